import { helperPorts, parseModule } from '../../src/firewall/modules';
import { nftRuleset } from '../../src/firewall/nftables';
import type { FirewallSpec } from '../../src/firewall/kinds';

const SPEC: FirewallSpec = {
  kind: 'nftables',
  nat: 'masquerade',
  policy: 'drop',
  rows: [],
  helperPorts: [],
  forward: [],
  names: { client: '10.0.0.10' },
  insideHost: '10.0.0.10',
};

test.each([
  ['tcp dport 21 accept', 'tcp dport 21 counter accept comment "row 1"'],
  ['tcp dport 21 drop', 'tcp dport 21 counter drop comment "row 1"'],
  ['tcp dport 23 reject with tcp reset', 'tcp dport 23 counter reject with tcp reset comment "row 1"'],
  ['ip saddr $client jump other', 'ip saddr $client counter jump other comment "row 1"'],
  ['log prefix "accepted "', 'log prefix "accepted " counter comment "row 1"'],
  ['tcp dport 21 counter accept', 'tcp dport 21 counter accept comment "row 1"'],
])('the counter stands between match and verdict: %s', (text, expected) => {
  const { text: ruleset, rowLines } = nftRuleset({ ...SPEC, rows: [{ row: 1, text }] });
  const lines = ruleset.split('\n').map((line) => line.trim());
  expect(lines).toContain(expected);
  expect(lines[(rowLines[0]?.line ?? 0) - 1]).toBe(expected);
});

test('a whole ruleset, with everything', () => {
  const spec = {
    ...SPEC,
    helperPorts: [21, 2121],
    forward: [21],
    rows: [{ row: 1, text: 'ct state established accept' }],
  };
  expect(nftRuleset(spec).text).toBe(`define client = 10.0.0.10
table ip lab {
  ct helper ftp {
    type "ftp" protocol tcp
  }
  chain helper {
    type filter hook prerouting priority -150; policy accept;
    tcp dport { 21, 2121 } ct helper set "ftp"
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established counter accept comment "row 1"
    counter drop comment "policy"
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "outside" tcp dport { 21 } dnat to 10.0.0.10
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "outside" masquerade
  }
}
`);
});

test('modules as after modprobe', () => {
  expect(parseModule('ip_conntrack_ftp')).toEqual({ name: 'ip_conntrack_ftp', ports: [21] });
  expect(parseModule('ip_conntrack_ftp ports=21,2121')).toEqual({
    name: 'ip_conntrack_ftp',
    ports: [21, 2121],
  });
  expect(() => parseModule('ip_conntrack_ftp ports=1,2,3,4,5,6,7,8,9')).toThrow('allowed: up to 8');
  expect(() => parseModule('ip_conntrack_ftp ports=0')).toThrow('out of range');
  expect(() => parseModule('ip_conntrack_ftp loose=1')).toThrow('unknown option "loose=1"');
});

test('tracking without NAT needs no ip_nat_ftp; with NAT today’s kernel has no such choice', () => {
  const tracking = [parseModule('ip_conntrack_ftp')];
  expect(helperPorts(tracking, false)).toEqual([21]);
  expect(() => helperPorts(tracking, true)).toThrow('list ip_nat_ftp beside');
});

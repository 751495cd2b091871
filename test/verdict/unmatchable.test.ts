import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { effectOf } from '../../src/firewall/effect';
import { makePlan } from '../../src/plan/make-plan';
import { loadScenario } from '../../src/scenario/load';
import { unmatchable } from '../../src/verdict/unmatchable';
import { lab, runs, scratch } from '../support';

// Rules of other networks are loaded and obeyed, and the lab says that they can match nothing here.

const ETH1 = 'the firewall has no interface eth1 here, only inside, outside, lo';
const FOREIGN = 'nobody here is in 192.168.0.0/16; there are 10.0.0.0/24 and 203.0.113.0/24';

function scenario(kind: string, rules: readonly string[]): string {
  const file = join(scratch(), 'case.yaml');
  writeFileSync(
    file,
    `title: t
claim: c
behind: client
firewall:
  kind: ${kind}
  nat: masquerade
  policy: drop
  rules: |
${rules.map((rule) => `    ${rule}\n`).join('')}server: ftp-srv
client: basic-ftp
session:
  - download: { mode: passive, size: 1 KiB }
expect:
  - download is complete
`,
  );
  return file;
}

const OF_IPTABLES = [
  'iptables -A FORWARD -i eth1 -j DROP',
  'iptables -A FORWARD ! -i eth1 -p icmp -j ACCEPT',
  'iptables -A FORWARD -i outside -s 192.168.0.0/16 -j DROP',
  'iptables -A FORWARD -p tcp ! -d 192.168.0.0/16 --dport 22 -j ACCEPT',
  'iptables -A FORWARD -s $client -i in+ -p tcp --dport ftp -j ACCEPT',
  'iptables -A FORWARD -i inside -j ACCEPT',
  'iptables -A FORWARD -m state --state ESTABLISHED -j ACCEPT',
];

test.each([
  ['iptables', OF_IPTABLES, [ETH1, null, FOREIGN, null, null, null, null]],
  [
    'nftables',
    [
      'iifname "eth1" drop',
      'iifname != "eth1" meta l4proto icmp accept',
      'iifname "outside" ip saddr 192.168.0.0/16 drop',
      'ip daddr != 192.168.0.0/16 tcp dport 22 accept',
      'ip saddr { $client, 192.168.1.1 } iifname "in*" tcp dport ftp accept',
      'ip daddr { 8.8.8.8, 192.168.1.1-192.168.1.9 } drop',
      'oifname { "eth1", "wan" } drop',
      'iifname "inside" accept',
      'ct state established accept',
    ],
    [
      ETH1,
      null,
      FOREIGN,
      null,
      null,
      'nobody here is in 192.168.1.1-192.168.1.9 or 8.8.8.8; there are 10.0.0.0/24 and 203.0.113.0/24',
      ETH1.replace('eth1', 'eth1 or wan'),
      null,
      null,
    ],
  ],
  [
    'ipchains',
    [
      'ipchains -A input -i eth1 -j DENY',
      'ipchains -A input -i ! eth1 -p icmp -j ACCEPT',
      'ipchains -A input -i outside -s 192.168.0.0/16 -j DENY',
      'ipchains -A input -s ! 192.168.0.0/16 -p udp -j ACCEPT',
      'ipchains -A forward -i outside -s $client -j MASQ',
      'ipchains -A input -j ACCEPT',
      'ipchains -A output -i outside -j ACCEPT',
      'ipchains -A output -i inside -j ACCEPT',
    ],
    [ETH1, null, FOREIGN, null, null, null, null, null],
  ],
])('in the result, of %s', async (kind, rules, expected) => {
  const { runs: done, stderr } = await runs([scenario(kind, rules)]);
  expect({ outcome: done[0]?.outcome, stderr: done[0] ? '' : stderr }).toEqual({
    outcome: 'pass',
    stderr: '',
  });
  const rows = done[0]?.rules.filter(({ row }) => row !== 'policy');
  expect(rows?.map((row) => row.unmatchable)).toEqual(expected);
});

test('in the report', async () => {
  const { stdout } = await lab([scenario('iptables', OF_IPTABLES)]);
  expect(stdout).toContain(`row 1 matches no packet here: ${ETH1}`);
  expect(stdout).toContain(`row 3 matches no packet here: ${FOREIGN}`);
  expect(stdout.match(/matches no packet here/g)).toHaveLength(2);
});

const PLAN = makePlan(loadScenario(scenario('iptables', OF_IPTABLES)), { capture: true, engine: 'netns' });

test.each([
  ['a network around one of the lab’s', '-s 203.0.0.0/16', null],
  ['a host of none', '-d 203.0.114.1', 'nobody here is in 203.0.114.1'],
  ['one of several', '-s 192.168.0.0/16,10.0.0.5', null],
  ['a mask in dots', '-s 192.168.0.0/255.255.0.0', 'nobody here is in 192.168.0.0/255.255.0.0'],
  ['everything', '-s 0/0', null],
  ['loopback', '-i lo -s 127.0.0.1', null],
  ['multicast', '-d 224.0.0.1', null],
  ['a name', '-s ftp.example.com', null],
  ['IPv6', '-s fe80::/10', null],
  ['a name of the lab’s', '-s $server', null],
  ['interfaces of a kind that is not here', '-i ppp+', 'the firewall has no interface ppp+ here'],
])('%s', (_, words, expected) => {
  const found = unmatchable(effectOf(words.split(' ')).conditions, PLAN);
  expect(found === null ? null : found.slice(0, expected?.length)).toBe(expected);
});

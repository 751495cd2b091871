import { nftables, nftRuleset } from '../../src/firewall/nftables';
import type { DialectContext, FirewallSpec } from '../../src/firewall/kinds';

const CONTEXT: DialectContext = { kind: 'nftables', names: {}, firstRow: 1 };
const SPEC: FirewallSpec = {
  nat: 'masquerade',
  policy: 'drop',
  input: 'accept',
  commands: [],
  helper: { ports: [], openedBy: 'anybody', attach: 'rule' },
  forward: [],
  names: { client: '10.0.0.10' },
  insideHost: '10.0.0.10',
  translates: false,
};

test.each([
  ['tcp dport 21 accept', 'tcp dport 21 counter accept comment "row 1"'],
  ['tcp dport 21 drop', 'tcp dport 21 counter drop comment "row 1"'],
  ['tcp dport 23 reject with tcp reset', 'tcp dport 23 counter reject with tcp reset comment "row 1"'],
  ['ip saddr $client jump other', 'ip saddr $client counter jump other comment "row 1"'],
  ['log prefix "accepted "', 'log prefix "accepted " counter comment "row 1"'],
  ['tcp dport 21 counter accept', 'tcp dport 21 counter accept comment "row 1"'],
  ['counter packets 3 bytes 120 tcp dport 21 accept', 'tcp dport 21 counter accept comment "row 1"'],
  [
    'ip saddr $client tcp dport vmap { 20 : accept, 21 : drop }',
    'ip saddr $client counter tcp dport vmap { 20 : accept, 21 : drop } comment "row 1"',
  ],
  ['iifname vmap @sides', 'counter iifname vmap @sides comment "row 1"'],
])('the counter stands between match and verdict: %s', (text, expected) => {
  const { commands } = nftables.parse(text, CONTEXT);
  const { text: ruleset, rowLines } = nftRuleset({ ...SPEC, commands });
  const lines = ruleset.split('\n').map((line) => line.trim());
  expect(lines).toContain(expected);
  expect(lines[(rowLines[0]?.line ?? 0) - 1]).toBe(expected);
});

test('a whole ruleset, with everything', () => {
  const spec = {
    ...SPEC,
    helper: { ports: [21, 2121], openedBy: 'anybody', attach: 'rule' },
    input: 'drop',
    forward: [
      [21, 21],
      [50_000, 50_009],
    ],
    commands: nftables.parse('ct state established accept', CONTEXT).commands,
  } as const;
  expect(nftRuleset(spec).text).toBe(`define client = 10.0.0.10
table ip lab {
  ct helper ftp {
    type "ftp" protocol tcp
  }
  chain helper {
    type filter hook prerouting priority -150; policy accept;
    tcp dport { 21, 2121 } ct helper set "ftp"
  }
  chain input {
    type filter hook input priority filter; policy drop;
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established counter accept comment "row 1"
    counter drop comment "policy"
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "outside" tcp dport { 21, 50000-50009 } dnat to 10.0.0.10
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "outside" masquerade
  }
}
`);
});

test('a module that is only loaded: the kernel must have the helper, and nothing is attached', () => {
  const { text } = nftRuleset({ ...SPEC, helper: { ports: [21], openedBy: 'anybody', attach: 'module' } });
  expect(text).toContain('type "ftp" protocol tcp');
  expect(text).not.toContain('ct helper set');
});

const TABLES = `flush ruleset
table ip office {
  set ports { type inet_service; elements = { 21, 2121 }; }
  chain forward {
    type filter hook forward priority filter; policy drop;
    # replies
    ct state established,related accept
    tcp dport @ports accept comment "ftp"   # new ones
    goto rest
  }
  chain rest {
    reject with tcp reset
  }
}
add rule ip office rest tcp dport 80 drop
`;

test('whole tables are loaded line for line, with a counter and a number on each rule', () => {
  const parsed = nftables.parse(TABLES, { ...CONTEXT, firstRow: 3 });
  expect(parsed.problems).toEqual([]);
  expect({ policy: parsed.policy, translates: parsed.translates }).toEqual({
    policy: 'drop',
    translates: false,
  });
  expect(parsed.rows.map(({ row, line, column, stops }) => [row, line, column, stops])).toEqual([
    [3, 6, 4, false],
    [4, 7, 4, false],
    [5, 8, 4, false],
    [6, 11, 4, true],
    [7, 14, 0, true],
  ]);
  const { text, rowLines } = nftRuleset({ ...SPEC, commands: parsed.commands });
  // It would flush what the lab has loaded beside it.
  expect(text).not.toContain('flush');
  const lines = text.split('\n');
  const at = (row: number) => lines[(rowLines.find((place) => place.row === row)?.line ?? 0) - 1]?.trim();
  expect(at(3)).toBe('ct state established,related counter accept comment "row 3"');
  expect(at(4)).toBe('tcp dport @ports counter accept comment "row 4"   # new ones');
  expect(at(5)).toBe('counter goto rest comment "row 5"');
  expect(at(6)).toBe('counter reject with tcp reset comment "row 6"');
  expect(at(7)).toBe('add rule ip office rest tcp dport 80 counter drop comment "row 7"');
  // The policy is counted at the end of the chain it is the policy of.
  expect(lines[lines.indexOf('    counter comment "policy"') - 1]?.trim()).toBe(at(5));
});

test.each([
  ['two rules in a line', 'tcp dport 21 accept; tcp dport 20 accept', 'one nft rule a line'],
  ['a rule over two lines', 'tcp dport { 21,', 'is not one whole rule'],
])('in whole tables: %s', (_, rule, message) => {
  const text = `table ip x {\n  chain forward {\n    ${rule}\n  }\n}\n`;
  expect(nftables.parse(text, CONTEXT).problems).toEqual([
    { line: 2, column: 4, message: expect.stringContaining(message) as string },
  ]);
});

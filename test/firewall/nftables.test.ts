import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DialectContext, FirewallSpec } from '../../src/firewall/kinds';
import { nftables } from '../../src/firewall/nftables/dialect';
import { nftRuleset } from '../../src/firewall/nftables/ruleset';
import type { RunResult } from '../../src/verdict/run-result';
import { lab, scratch } from '../support';

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

/** Rows as `line:column text`, from 0. */
function rows(text: string): string[] {
  return nftables
    .parse(text, CONTEXT)
    .rows.map(({ line, column, text: said }) => `${line}:${column} ${said}`);
}

const TABLE = 'table ip office {\n  chain forward {\n    type filter hook forward priority 0\n';

test.each([
  ['one a line', 'tcp dport 21 accept # new\n\n  drop', ['0:0 tcp dport 21 accept', '2:2 drop']],
  ['two a line', 'tcp dport 21 accept;drop', ['0:0 tcp dport 21 accept', '0:20 drop']],
  [
    'over several lines',
    'tcp dport { 20,\n  21 } accept\ndrop',
    ['0:0 tcp dport { 20,\n  21 } accept', '2:0 drop'],
  ],
  ['continued', 'tcp dport 21 \\\n  accept\ndrop', ['0:0 tcp dport 21 \\\n  accept', '2:0 drop']],
  [
    'with the grammar’s signs in a text',
    'log prefix "a; { # b" accept\ndrop',
    ['0:0 log prefix "a; { # b" accept', '1:0 drop'],
  ],
  [
    'a verdict map',
    'ct state vmap { new : drop, invalid : drop }',
    ['0:0 ct state vmap { new : drop, invalid : drop }'],
  ],
  ['a value given a name', 'define p = 21\ntcp dport $p accept', ['1:0 tcp dport $p accept']],
  ['in a chain', `${TABLE}    policy drop\n    accept\n  }\n}`, ['4:4 accept']],
  ['in a chain of one line', 'table ip a { chain b { accept; }; }', ['0:23 accept']],
  [
    'a set is none',
    'table ip a {\n set s { type ipv4_addr; elements = { 10.0.0.1 }; }\n chain b { accept\n } }',
    ['2:11 accept'],
  ],
  [
    'outside of tables',
    'add table ip a\nadd chain ip a b { type filter hook forward priority 0; policy drop; }\nadd rule ip a b accept\ninsert rule ip a b drop\nadd ip a b continue\nip a b accept\ndelete chain ip a c\nflush ruleset',
    [
      '2:0 add rule ip a b accept',
      '3:0 insert rule ip a b drop',
      '4:0 add ip a b continue',
      '5:0 ip a b accept',
    ],
  ],
  [
    'typed in a shell',
    "nft add table ip a\n/usr/sbin/nft add chain ip a b { type filter hook forward priority 0\\; policy drop\\; }\nnft 'add rule ip a b tcp dport 21 accept'\nnft add rule ip a b \\\n  comment '\"x\"'",
    ['2:5 add rule ip a b tcp dport 21 accept', '3:4 add rule ip a b \\\n  comment  "x"'],
  ],
])('rules: %s', (_, text, expected) => {
  expect(rows(text)).toEqual(expected);
});

test.each([
  ['on its own line', `${TABLE}    policy drop;\n  }\n}`, 'drop'],
  ['with the type', 'table ip a { chain b { type filter hook forward priority 0; policy drop; }\n}', 'drop'],
  ['none: it accepts', `${TABLE}  }\n}`, 'accept'],
  [
    'of another hook',
    'table ip a { chain b { type filter hook input priority 0; policy drop; }\n}',
    'accept',
  ],
  [
    'of two chains, either of which may drop',
    `${TABLE}    policy drop;\n  }\n  chain b {\n    type filter hook forward priority 1; policy accept;\n  }\n}`,
    'drop',
  ],
  ['of rules alone: the scenario’s', 'accept', null],
])('the policy %s', (_, text, policy) => {
  expect(nftables.parse(text, CONTEXT).policy).toBe(policy);
});

test('rules alone stand in the lab’s chain as they are, beside what the lab adds', () => {
  const spec = {
    ...SPEC,
    helper: { ports: [21, 2121], openedBy: 'inside', attach: 'rule' },
    input: 'drop',
    forward: [
      [21, 21],
      [50_000, 50_009],
    ],
    commands: nftables.parse('  ct state established   accept # replies', CONTEXT).commands,
  } as const;
  expect(nftRuleset(spec).text).toBe(`define client = 10.0.0.10
table ip lab {
  ct helper ftp {
    type "ftp" protocol tcp
  }
  chain helper {
    type filter hook prerouting priority -150; policy accept;
    iifname "inside" tcp dport { 21, 2121 } ct helper set "ftp"
  }
  chain input {
    type filter hook input priority filter; policy drop;
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
      ct state established   accept # replies
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

test('whole tables stand in front of the lab’s own, letter for letter', () => {
  const text = `flush ruleset\n${TABLE}    policy drop\n    tcp dport 21 counter accept comment "ftp"; drop\n  }\n}`;
  const { commands, translates } = nftables.parse(text, { ...CONTEXT, firstRow: 3 });
  const ruleset = nftRuleset({ ...SPEC, commands, translates });
  expect(ruleset.text.startsWith(`define client = 10.0.0.10\n${text}\ntable ip lab {\n`)).toBe(true);
  expect(ruleset.rowLines).toEqual([
    { line: 7, row: 3, indent: 4, within: 0 },
    { line: 7, row: 4, indent: 47, within: 0 },
  ]);
});

test('a table of nat of the owner’s: the lab adds no translation', () => {
  const text =
    'table ip a {\n  chain b {\n    type nat hook postrouting priority 100\n    masquerade\n  }\n}';
  const { commands, translates } = nftables.parse(text, CONTEXT);
  expect(nftRuleset({ ...SPEC, commands, translates }).text).not.toContain('oifname "outside" masquerade');
});

/** Rules as people have them, and for some the chain they may stand in: `hook type priority|||rule`. */
const RULES = readFileSync(join(__dirname, 'nft-rules.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [place = '', rule = ''] = line.includes('|||') ? line.split('|||') : ['forward filter 0', line];
    const [hook = '', type = '', priority = ''] = place.split(' ');
    return { rule, base: `type ${type} hook ${hook} priority ${priority}; policy accept;` };
  });

/** A table with chains of these rules that no packet meets, and with all that they speak of. */
function asleep(rules: typeof RULES): string {
  return `table inet asleep {
  flags dormant
  set s4 { type ipv4_addr; flags dynamic, timeout; timeout 1m; }
  map vm { type inet_service : verdict; }
  map dn { type inet_service : ipv4_addr; }
  limit l1 { rate 10/second; }
  quota q { over 10 mbytes; }
  counter c1 { }
  ct helper ftp { type "ftp" protocol tcp; }
  ct timeout to { protocol tcp; policy = { established : 100 }; }
  chain x { }
${rules.map(({ rule, base }, index) => `  chain c${index} {\n    ${base}\n    ${rule}\n  }`).join('\n')}
}
`;
}

/** What nft itself says of a rule on this kernel; empty when it takes it. */
function refusal(rule: (typeof RULES)[number]): string {
  const nft = ['--map-root-user', '--net', 'sh', '-c', 'cat | nft -f -'];
  const { status, stderr } = spawnSync('unshare', nft, { input: asleep([rule]), encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}

test('rules that people have: what nft takes, the lab takes and counts, and it shows them as they are', async () => {
  const taken = RULES.filter((rule) => refusal(rule) === '');
  const refused = RULES.filter((rule) => !taken.includes(rule)).map(({ rule }) => rule);
  // nft 1.0.6 knows neither backslashes in texts nor ct proto-dst in a map; kernels may come without queues.
  for (const rule of refused)
    expect(rule).toMatch(/^(?:log prefix "comment \\"|ct original proto-dst vmap|queue )/);
  expect(taken.length).toBeGreaterThanOrEqual(88);
  const rules = `${asleep(taken)}${TABLE}    policy drop\n    accept\n  }\n}`;
  const indented = rules.replace(/^/gm, '    ');
  const scenario = `title: All of them
claim: Rules are loaded as they stand.
behind: client
firewall:
  kind: nftables
  nat: none
  policy: drop
  rules: |
${indented}
server: ftp-srv
client: basic-ftp
session:
  - download: { mode: passive, size: 1 KiB }
expect:
  - download is complete
  - row ${taken.length + 1} counts packets
`;
  const file = join(scratch(), 'all.yaml');
  writeFileSync(file, scenario);
  const { code, stdout, stderr } = await lab(['run', '--json', file]);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const [run] = (JSON.parse(stdout) as { runs: RunResult[] }).runs;
  const listed = run?.rules.filter(({ row }) => row !== 'policy').map(({ text }) => text);
  // A meter is listed by nft 1.0.6, and not taken again.
  const counted = taken.filter(({ rule }) => !/\bmeter\b/.test(rule));
  expect(listed).toEqual([...counted.map(({ rule }) => rule), 'accept']);
});

test('rules that are put in front of others, moved or taken away are counted as what they are', async () => {
  const rules = `add table ip a
    add chain ip a b { type filter hook forward priority 0; policy drop; }
    add rule ip a b tcp dport 21 drop
    add rule ip a b drop
    insert rule ip a b ct state established accept
    insert rule ip a b index 1 accept
    add chain ip a c
    add rule ip a c accept
    flush chain ip a c`;
  const file = join(scratch(), 'moved.yaml');
  const head =
    'title: t\nclaim: c\nbehind: client\nfirewall:\n  kind: nftables\n  nat: none\n  policy: drop\n';
  const tail =
    'server: ftp-srv\nclient: basic-ftp\nsession:\n  - download: { mode: passive, size: 1 KiB }\nexpect: [download is complete]\n';
  writeFileSync(file, `${head}  rules: |\n    ${rules}\n${tail}`);
  const { stdout, stderr } = await lab(['run', '--json', file]);
  const [run] = (JSON.parse(stdout === '' ? '{"runs":[]}' : stdout) as { runs: RunResult[] }).runs;
  expect({ outcome: run?.outcome, stderr: run ? '' : stderr }).toEqual({ outcome: 'pass', stderr: '' });
  const counted = run?.rules.flatMap(({ row, packets }) => (packets > 0 ? [row] : []));
  // The established ones, and the new ones; what was flushed is not there.
  expect(counted).toEqual([3, 4]);
  expect(run?.rules.map(({ row }) => row)).toEqual([1, 2, 3, 4, 'policy']);
});

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { Box } from '../box';
import { documentIn, LAB, ordinaryUser } from '../support';

// Rules as they stand in a scenario file: what is wrong with them is said with the file's own line and
// column, by the lab before anything starts or by the firewall's own tool before anything is sent; what is merely
// unusual runs.

interface Text {
  readonly kind?: string;
  readonly nat?: 'none' | 'masquerade';
  /** of a literal block, as its owner wrote it */
  readonly rules?: string;
  /** lines of the firewall, indented by two, before its rules */
  readonly firewall?: string;
  readonly step?: string;
  readonly expected?: readonly string[];
}

/** A scenario whose rules begin on line 9, column 5, where the firewall has no lines of its own before them. */
function scenario({ kind = 'iptables', nat = 'none', rules, firewall, step, expected }: Text): string {
  const block = rules === undefined ? [] : ['  rules: |', ...rules.split('\n').map((line) => `    ${line}`)];
  return [
    'title: Rules in a file',
    'claim: What is wrong with rules is said where it stands.',
    'behind: client',
    'firewall:',
    `  kind: ${kind}`,
    `  nat: ${nat}`,
    '  policy: drop',
    ...(firewall?.split('\n') ?? []),
    ...block,
    'server: ftp-srv',
    'client: basic-ftp',
    'session:',
    `  - ${step ?? 'download: { mode: passive, size: 64 KiB }'}`,
    'expect:',
    ...(expected ?? ['download is complete']).map((sentence) => `  - ${sentence}`),
    '',
  ].join('\n');
}

const HEADER = 'action type from    port       to  port direction syn';
const TABLE_OF_SIX = [HEADER, ...Array.from({ length: 6 }, () => 'accept tcp any - any - output')].join('\n');

/** What is wrong, the file, the place, and what the error must say of it. */
const WRONG: readonly (readonly [string, Text, string, string])[] = [
  // The FAQ's own table.
  [
    'a table whose header lacks a column',
    { rules: 'action type from to port direction\naccept tcp network any 21 output' },
    '9:5',
    'the header lacks a second port; wanted: action type from [mask] port to [mask] port direction [syn] [notes]',
  ],
  [
    'a row of a table that lacks a cell',
    { rules: `${HEADER}\n# to the server\naccept tcp network 1025-65535 any output` },
    '11:5',
    'the row has 6 cells; wanted: 7',
  ],
  [
    'a reversed range in a table, after a blank line',
    { rules: `${HEADER}\n\naccept tcp  network 65535-1025 any 21   output` },
    '11:25',
    'port range 65535-1025 is upside down; did you mean 1025-65535?',
  ],
  [
    'an action that tables do not have',
    { kind: 'ipchains', rules: `${HEADER}\nreject tcp network 1025-65535 any 21 output` },
    '10:5',
    'action is "reject"; allowed: accept, deny',
  ],
  // iptables.
  [
    'an unknown flag of iptables',
    { rules: 'iptables -A FORWARD -i inside -j ACCEPT\niptables -A FORWARD --colour red -j ACCEPT' },
    '10:25',
    'iptables-restore refuses row 2, “-A FORWARD --colour red -j ACCEPT”: unknown option "--colour"',
  ],
  [
    'port 65536 of iptables',
    { rules: 'iptables -A FORWARD -p tcp --dport 65536 -j ACCEPT' },
    '9:40',
    "invalid port/service `65536' specified",
  ],
  [
    'a target that nobody has',
    { rules: 'iptables -A FORWARD -i inside -j ACEPT\niptables -A FORWARD -j ACCEPT' },
    '9:38',
    "Chain 'ACEPT' does not exist; did you mean ACCEPT?",
  ],
  [
    'a target in the wrong table',
    { rules: 'iptables -A FORWARD -j MASQUERADE' },
    '9:28',
    'MASQUERADE stands in POSTROUTING of table nat; here it is FORWARD of table filter',
  ],
  [
    'a chain that iptables does not have',
    { rules: '# for the office\n  iptables -A FOREWARD -j ACCEPT' },
    '10:19',
    'table filter has no chain "FOREWARD"; did you mean "FORWARD"?',
  ],
  [
    'iptables-save text that is cut off',
    { rules: '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i inside -j ACCEPT' },
    '9:5',
    '*filter has no COMMIT',
  ],
  // ipchains.
  [
    'MASQ in the input chain of ipchains',
    { kind: 'ipchains', nat: 'masquerade', rules: 'ipchains -A input -p tcp -j MASQ' },
    '9:33',
    'MASQ stands in forward or a user chain; found in input',
  ],
  [
    'a port out of range of ipchains',
    { kind: 'ipchains', rules: 'ipchains -A forward -p tcp -s 0/0 1024:99999 -j ACCEPT' },
    '9:39',
    'port 99999 is out of range',
  ],
  [
    'a service name of ipchains',
    { kind: 'ipchains', rules: 'ipchains -A forward -p tcp -d 0/0 ftp -j ACCEPT' },
    '9:39',
    'service names are not read here; ftp is port 21',
  ],
  // nft.
  [
    'a reversed range of nft, indented further',
    { kind: 'nftables', rules: 'ct state established accept\n  tcp dport 6009-6000 accept' },
    '10:17',
    'nft refuses row 2, “tcp dport 6009-6000 accept”: Range has zero or negative size',
  ],
  [
    'port 65536 in a set of nft',
    { kind: 'nftables', rules: 'ct state established accept\ntcp dport { 20, 65536 } accept' },
    '10:21',
    'nft refuses row 2, “tcp dport { 20, 65536 } accept”: Service out of range',
  ],
  [
    'the second line of a rule, in a whole table',
    {
      kind: 'nftables',
      rules:
        'table ip office {\n  chain f {\n    type filter hook forward priority 0\n    policy drop\n    tcp dport { 20,\n      ftpp } accept\n  }\n}',
    },
    '14:11',
    'nft refuses row 1, “tcp dport { 20, ftpp } accept”: Could not resolve service',
  ],
  [
    'one rule of two in a line',
    { kind: 'nftables', rules: 'tcp dport 20 accept; tcp dport 65536 accept' },
    '9:36',
    'nft refuses row 2, “tcp dport 65536 accept”: Service out of range',
  ],
  [
    'what is no rule, in a whole table',
    {
      kind: 'nftables',
      rules:
        'table ip office {\n  chain f {\n    type filter hook forward priority 0; policy drop\n  }\n  sett x\n}',
    },
    '13:7',
    'nft refuses the rules: syntax error',
  ],
  [
    'a command of nft typed in a shell',
    {
      kind: 'nftables',
      rules:
        "nft add table ip office\n  nft add chain ip office f '{ type filter hook forward priority 0; policy drop; }'\nnft add rule ip office f tcp dport 65536 accept",
    },
    '11:40',
    'nft refuses row 1, “add rule ip office f tcp dport 65536 accept”: Service out of range',
  ],
  [
    'a word that nft itself does not know',
    { kind: 'nftables', rules: 'ct state established accept\ntcp dportt 21 accept' },
    '10:9',
    'nft refuses row 2, “tcp dportt 21 accept”',
  ],
  // What stands around the rules.
  [
    'an unknown module in a start script',
    {
      nat: 'masquerade',
      firewall: '  scripts:\n    rc.firewall.local: |\n      # the FTP modules\n      modprobe ip_nat_irc',
    },
    '11:16',
    'unknown module "ip_nat_irc"; known: ip_conntrack_ftp, ip_nat_ftp',
  ],
  [
    'a table that the FAQ does not have',
    { firewall: '  tables: [T1, T6]' },
    '8:16',
    'firewall.tables[2] is "T6"; allowed: T1, T2, T3, T4, T5',
  ],
  [
    'rules that set another policy, in iptables',
    { rules: 'iptables -P FORWARD ACCEPT' },
    '7:11',
    'firewall.policy is drop, but the rules set it to accept; they must agree',
  ],
  [
    'rules that set another policy, in ipchains',
    { kind: 'ipchains', rules: 'ipchains -P forward ACCEPT' },
    '7:11',
    'firewall.policy is drop, but the rules set it to accept; they must agree',
  ],
  [
    'rules that set another policy, in an nft chain',
    {
      kind: 'nftables',
      rules:
        'table ip office {\n  chain f {\n    type filter hook forward priority 0; policy accept;\n  }\n}',
    },
    '7:11',
    'firewall.policy is drop, but the rules set it to accept; they must agree',
  ],
  [
    'a row that is not there, in an expectation',
    { rules: TABLE_OF_SIX, expected: ['download is complete', 'row 9 counts packets'] },
    '22:5',
    'there is no row 9; allowed: 1 to 6',
  ],
  [
    'port 0 of a probe',
    {
      step: "probe: { from: prober, to: client, ports: '0-5', source-ports: [20] }",
      expected: ['probe arrives nowhere'],
    },
    '11:47',
    'port 0 is out of range; allowed: a number from 1 to 65535',
  ],
];

let box: Box;
let before: ReturnType<Box['state']>;
beforeAll(async () => {
  box = await Box.make();
  before = box.state();
});

/** Runs the lab on a file with this text, in a folder of its own. */
async function runText(text: string, args: readonly string[] = ['-q']) {
  const folder = box.scratch();
  const file = join(folder, 'case.yaml');
  writeFileSync(file, text);
  const finished = await box.lab([...args, file], folder);
  return { ...finished, file, left: readdirSync(folder) };
}

test.each(WRONG)('%s is refused where it stands', async (_what, text, place, message) => {
  const { code, stdout, stderr, file, left } = await runText(scenario(text));
  expect(stderr).toContain(message);
  // One mistake, one error, with the line and a mark under the column.
  expect(stderr.split('\n').filter((line) => line.startsWith(file))).toEqual([
    expect.stringContaining(`${file}:${place}: `),
  ]);
  expect({ code, stdout, left }).toEqual({ code: 2, stdout: '', left: ['case.yaml'] });
});

test('the mark stands under the place', async () => {
  const { stderr, file } = await runText(
    scenario({ rules: 'iptables -A FORWARD -p tcp --dport 65536 -j ACCEPT' }),
  );
  const [head, line = '', mark = ''] = stderr.split('\n');
  expect(head?.startsWith(`${file}:9:40: `)).toBe(true);
  expect(line.slice(mark.indexOf('^'))).toBe('65536 -j ACCEPT');
});

test('of several scenarios none is run when the rules of one are refused', async () => {
  const folder = box.scratch();
  writeFileSync(join(folder, 'good.yaml'), scenario({ kind: 'nftables', rules: 'accept' }));
  writeFileSync(join(folder, 'bad.yaml'), scenario({ kind: 'nftables', rules: 'iif "outside" acept' }));
  const { code, stdout, stderr } = await box.lab(['./good.yaml', './bad.yaml'], folder);
  expect(stderr).toContain('bad.yaml:9:24: nft refuses row 1, “iif "outside" acept”: syntax error');
  // It would have told of its progress.
  expect(stderr).not.toContain('good');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('every mistake in the rules is named, each where it stands', async () => {
  const { code, stderr, file } = await runText(
    scenario({
      firewall: '  tables: [T1]\n  scripts:\n    rc.firewall.local: modprobe lp_ftp',
      rules: 'iptables -A FORWARD -p tcp -y -j ACCEPT\n\niptables -A FORWARD -j DENY',
    }),
  );
  const places = stderr
    .split('\n')
    .flatMap((line) => (line.startsWith(file) ? [line.slice(file.length + 1)] : []));
  expect(places.map((place) => place.slice(0, 5)).sort()).toEqual(['10:24', '12:32', '14:28']);
  expect(code).toBe(2);
});

describe.each([
  {
    dialect: 'the FAQ’s table',
    kind: 'iptables',
    rules: [HEADER, 'accept tcp any - any - output', 'accept tcp any - any - input'],
    wrong: 'accept tcp any - any 65536 input',
    place: '13:26',
    message: 'port 65536 is out of range',
  },
  {
    dialect: 'iptables',
    kind: 'iptables',
    rules: ['iptables -A FORWARD -i inside -j ACCEPT', 'iptables -A FORWARD -i outside -j ACCEPT'],
    wrong: 'iptables -A FORWARD -p tcp --dport 65536',
    place: '12:40',
    message: 'iptables-restore refuses row 3, “-A FORWARD -p tcp --dport 65536”',
  },
  {
    dialect: 'nft',
    kind: 'nftables',
    rules: ['iifname "inside" accept', 'iifname "outside" accept'],
    wrong: 'tcp dport 65536',
    place: '12:15',
    message: 'nft refuses row 3, “tcp dport 65536”: Service out of range',
  },
])('a file with CRLF and rules of $dialect', ({ kind, rules, wrong, place, message }) => {
  test('runs like any other', async () => {
    const expected = ['download is complete', 'row 2 counts packets'];
    const text = scenario({ kind, expected, rules: rules.join('\n') }).replaceAll('\n', '\r\n');
    const { code, stdout } = await runText(text, ['run', '--json']);
    const [result] = (JSON.parse(stdout) as { runs: RunResult[] }).runs;
    expect({ code, outcome: result?.outcome }).toEqual({ code: 0, outcome: 'pass' });
    expect(result?.rules.map(({ text: rule }) => rule).join('\n')).not.toContain('\r');
  });

  test('has its mistakes where they stand', async () => {
    const text = scenario({ kind, rules: [...rules, '# the last', wrong].join('\n') });
    const { code, stderr, file } = await runText(text.replaceAll('\n', '\r\n'));
    expect(stderr).toContain(`${file}:${place}: ${message}`);
    expect(code).toBe(2);
  });
});

/** Ten thousand rows, of which the last two alone let anything through. */
const MANY: readonly (readonly [string, string, string])[] = (() => {
  const filler = (row: (port: number) => string): string[] =>
    Array.from({ length: 9998 }, (_, index) => row(1025 + index));
  return [
    [
      'iptables',
      'iptables',
      [
        ...filler((port) => `iptables -A FORWARD -p tcp --sport 1 --dport ${port} -j DROP`),
        'iptables -A FORWARD -i inside -j ACCEPT',
        'iptables -A FORWARD -i outside -j ACCEPT',
      ].join('\n'),
    ],
    [
      'the FAQ’s table',
      'iptables',
      [
        HEADER,
        ...filler((port) => `deny tcp any 1 any ${port} output`),
        'accept tcp any - any - output',
        'accept tcp any - any - input',
      ].join('\n'),
    ],
    [
      'nft',
      'nftables',
      [
        ...filler((port) => `tcp sport 1 tcp dport ${port} drop`),
        'iifname "inside" accept',
        'iifname "outside" accept',
      ].join('\n'),
    ],
  ];
})();

describe.each(MANY)('10,000 rows of %s', (_what, kind, rules) => {
  const text = scenario({
    ...{ kind, rules },
    expected: [
      'download is complete',
      'row 9998 counts no packet',
      'row 9999 counts packets',
      'row 10000 counts packets',
    ],
  });

  test.each(['the tests’ own user', 'an ordinary user'])('are loaded and obeyed for %s', async (who) => {
    const { prefix, labCopy, cwd } = who.startsWith('the')
      ? { prefix: [], labCopy: LAB, cwd: box.scratch() }
      : ordinaryUser(box.share);
    const file = join(cwd, 'many.yaml');
    writeFileSync(file, text);
    const { code, stdout, stderr } = await box.run(
      [...prefix, process.execPath, labCopy, '--json', file],
      cwd,
    );
    const [result] = documentIn({ code, stdout, stderr });
    expect({ code, outcome: result?.outcome, reason: result?.reason }).toEqual({
      ...{ code: 0, outcome: 'pass', reason: null },
    });
    // Each row is known by its number, to the last; then comes the policy.
    expect(result?.rules.length).toBe(10_001);
    expect(result?.rules.map(({ row }) => row)).toEqual([
      ...Array.from({ length: 10_000 }, (_, index) => index + 1),
      'policy',
    ]);
  });
});

// Last of all: what was refused has started nothing.
test('after all this the machine is as it was', async () => {
  await box.quiet();
  expect(box.state()).toEqual(before);
});

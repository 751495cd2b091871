import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import {
  iptables,
  iptablesRuleset,
  printIptables,
  readIptablesCounters,
  refusedRows,
} from '../../src/firewall/iptables/dialect';
import type { Command, FirewallSpec, ParsedRules } from '../../src/firewall/kinds';

const CONTEXT = { kind: 'iptables' as const, names: { inside_net: '10.0.0.0/24' }, firstRow: 1 };

const SPEC: FirewallSpec = {
  nat: 'none',
  policy: 'drop',
  input: 'drop',
  commands: [],
  helper: { ports: [], openedBy: 'anybody', attach: 'rule' },
  forward: [],
  names: {},
  insideHost: '10.0.0.10',
  translates: false,
};

/** What a text comes to; it must have no problems. */
function read(text: string, context = CONTEXT): ParsedRules {
  const parsed = iptables.parse(text, context);
  expect(parsed.problems).toEqual([]);
  return parsed;
}

/** Commands as "table: text", or "table: text = row". */
function listed(commands: readonly Command[]): string[] {
  return commands.map(({ table, text, row }) => `${table}: ${text}${row === null ? '' : ` = ${row}`}`);
}

const VARIANTS = ['iptables-nft', 'iptables-legacy'] as const;
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const AS_NOBODY =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];

interface Loaded {
  readonly code: number | null;
  readonly stderr: string;
  /** what iptables-save -c prints afterwards */
  readonly saved: string;
}

/** In a user namespace, where anybody may do it, and where one message to the kernel is bounded. */
const NAMESPACES = ['unshare', '--user', '--map-root-user', '--net', '--mount'];

/** Loads a ruleset with the real program, in namespaces of its own. */
function load(variant: string, ruleset: string, after = '', namespaces = NAMESPACES): Loaded {
  // iptables wants to write /run/xtables.lock; without -t, legacy wants to read what only root may.
  const script = `mount -t tmpfs none /run && ${variant}-restore --noflush || exit; ${after}
    for table in raw mangle nat filter; do ${variant}-save -c -t $table; done`;
  const [program, ...args] = [...namespaces, 'sh', '-c', script];
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input: ruleset,
    encoding: 'utf8',
    env: { ...process.env, PATH },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { code: status, stderr, saved: stdout };
}

function rowNumbers(saved: string): number[] {
  return readIptablesCounters(saved)
    .flatMap(({ row }) => (row === 'policy' ? [] : [row]))
    .sort((a, b) => a - b);
}

/** Everything at once, as a script of its time would have it. */
const SCRIPT = `# flush all
/sbin/iptables -F
iptables -t nat -F
iptables -X
iptables -P INPUT DROP
iptables -P FORWARD DROP
iptables -N ftp-rules
iptables -A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT
\tiptables -A FORWARD -i inside -o outside -s $inside_net -p tcp --dport 21 -j ftp-rules   # control\r
-A ftp-rules -p tcp --syn -m limit --limit 10/second -j LOG --log-prefix 'FTP "new": '
iptables -I FORWARD 2 -s 10.0.0.1,10.0.0.2 -m comment --comment "two hosts, “both”" -j DROP
iptables -A ftp-rules -j ACCEPT
-A FORWARD -p udp -j DROP
-D FORWARD -p udp -j DROP
-R FORWARD 2 ! -p tcp -j REJECT --reject-with icmp-port-unreachable
iptables -w 5 -t nat -A POSTROUTING -o outside -j MASQUERADE
iptables -A POSTROUTING -t mangle -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`;

describe('reading', () => {
  test('commands as typed', () => {
    const { rows, commands, policy, translates } = read(SCRIPT);
    expect(listed(commands)).toEqual([
      'filter: -P INPUT DROP',
      'filter: -P FORWARD DROP',
      'filter: -N ftp-rules',
      'filter: -A FORWARD -m comment --comment "row 1" -m state --state ESTABLISHED,RELATED -j ACCEPT = 1',
      'filter: -A FORWARD -m comment --comment "row 2" -i inside -o outside -s 10.0.0.0/24 -p tcp --dport 21 -j ftp-rules = 2',
      'filter: -A ftp-rules -m comment --comment "row 3" -p tcp --syn -m limit --limit 10/second -j LOG --log-prefix "FTP \\"new\\": " = 3',
      'filter: -I FORWARD 2 -m comment --comment "row 4" -s 10.0.0.1,10.0.0.2 -m comment --comment "two hosts, “both”" -j DROP = 4',
      'filter: -A ftp-rules -m comment --comment "row 5" -j ACCEPT = 5',
      'filter: -A FORWARD -m comment --comment "row 6" -p udp -j DROP = 6',
      'filter: -D FORWARD -m comment --comment "row 6" -p udp -j DROP',
      'filter: -D FORWARD 2',
      'filter: -I FORWARD 2 -m comment --comment "row 7" ! -p tcp -j REJECT --reject-with icmp-port-unreachable = 7',
      'nat: -A POSTROUTING -m comment --comment "row 8" -o outside -j MASQUERADE = 8',
      'mangle: -A POSTROUTING -m comment --comment "row 9" -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu = 9',
    ]);
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(rows.filter(({ stops }) => stops).map(({ row }) => row)).toEqual([4, 6, 7]);
    expect(rows[1]).toEqual({
      row: 2,
      text: '-A FORWARD -i inside -o outside -s $inside_net -p tcp --dport 21 -j ftp-rules',
      line: 8,
      column: 10,
      stops: false,
    });
    expect({ policy, translates }).toEqual({ policy: 'drop', translates: true });
  });

  test('iptables-save text', () => {
    const text = `# Generated by iptables-save
*filter
:INPUT ACCEPT [3:4]
:FORWARD ACCEPT [0:0]
:mine - [0:0]
[12:345] -A FORWARD -p tcp -m tcp --dport 21 -m comment --comment "a \\"b\\" c" -j mine
-A mine -j DROP
COMMIT
# Completed`;
    const { rows, commands, policy, translates } = read(text, { ...CONTEXT, firstRow: 5 });
    expect(listed(commands)).toEqual([
      'filter: -P INPUT ACCEPT',
      'filter: -P FORWARD ACCEPT',
      'filter: -N mine',
      'filter: -A FORWARD -m comment --comment "row 5" -p tcp -m tcp --dport 21 -m comment --comment "a \\"b\\" c" -j mine = 5',
      'filter: -A mine -m comment --comment "row 6" -j DROP = 6',
    ]);
    expect(rows[0]).toMatchObject({ row: 5, line: 5, column: 9, stops: false });
    expect(rows[0]?.text.startsWith('-A FORWARD -p tcp')).toBe(true);
    expect({ policy, translates }).toEqual({ policy: 'accept', translates: false });
  });

  test('an empty text says nothing', () => {
    expect(read('\n# nothing\n')).toEqual({
      rows: [],
      commands: [],
      problems: [],
      policy: null,
      translates: false,
    });
  });

  test('what iptables-save prints of our rules reads again, and each row has one number', () => {
    const ruleset = iptablesRuleset({ ...SPEC, commands: read(SCRIPT).commands });
    const { saved } = load('iptables-nft', ruleset.text);
    const again = read(saved.replace(/^.*-j TCPMSS.*$/m, ''));
    const second = load('iptables-nft', iptablesRuleset({ ...SPEC, commands: again.commands }).text);
    expect(rowNumbers(second.saved)).toEqual(again.rows.map(({ row }) => row));
  });
});

describe('the ruleset', () => {
  test('of a packet filter: table filter alone, its policies from the scenario', () => {
    const { commands } = read('-P FORWARD ACCEPT\n-P OUTPUT DROP\n-A FORWARD -p tcp -j ACCEPT');
    expect(iptablesRuleset({ ...SPEC, commands })).toEqual({
      loader: 'iptables-restore',
      text: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-P OUTPUT DROP
-A FORWARD -m comment --comment "row 1" -p tcp -j ACCEPT
COMMIT
`,
      rowLines: [{ line: 6, row: 1, indent: ' -m comment --comment "row 1"'.length }],
    });
  });

  test('with NAT, forwarded ports and helper; the author’s flush does not reach them', () => {
    const spec: FirewallSpec = {
      ...SPEC,
      nat: 'masquerade',
      policy: 'accept',
      commands: [
        { table: 'nat', text: '-F', row: null },
        // As another dialect writes it: without the comment.
        { table: 'filter', text: '-A FORWARD -p tcp --dport 21 -j ACCEPT', row: 10 },
      ],
      helper: { ports: [21, 2121], openedBy: 'anybody', attach: 'rule' },
      forward: [
        [21, 21],
        [50000, 50009],
      ],
    };
    expect(iptablesRuleset(spec).text).toBe(`*raw
-A PREROUTING -p tcp -m multiport --dports 21,2121 -j CT --helper ftp
COMMIT
*nat
-F
-A PREROUTING -i outside -p tcp -m multiport --dports 21,50000:50009 -j DNAT --to-destination 10.0.0.10
-A POSTROUTING -o outside -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m comment --comment "row 10" -p tcp --dport 21 -j ACCEPT
COMMIT
`);
    expect(iptablesRuleset(spec).rowLines).toEqual([{ line: 13, row: 10, indent: 30 }]);
  });

  test('rows that translate themselves get no translation of the lab’s', () => {
    const { commands, translates } = read('-t nat -A POSTROUTING -j SNAT --to-source 203.0.113.1');
    const { text } = iptablesRuleset({
      ...SPEC,
      nat: 'masquerade',
      forward: [[21, 21]],
      commands,
      translates,
    });
    expect(text).toContain('--to-source 203.0.113.1');
    expect(text).not.toMatch(/MASQUERADE|DNAT/);
  });

  test.each([
    ['rule', ''],
    ['module', '-i lab-unattached '],
  ] as const)('helper by %s', (attach, from) => {
    const { text } = iptablesRuleset({ ...SPEC, helper: { ports: [21], openedBy: 'anybody', attach } });
    expect(text).toContain(`\n-A PREROUTING ${from}-p tcp -m multiport --dports 21 -j CT --helper ftp\n`);
  });

  test('fifteen places a multiport: a range takes two', () => {
    const forward = Array.from({ length: 9 }, (_, at) => [100 + at * 10, 105 + at * 10] as const);
    const { text } = iptablesRuleset({ ...SPEC, forward });
    expect(text.match(/--dports \S+/g)?.map((match) => match.split(',').length)).toEqual([7, 2]);
  });
});

describe.each(VARIANTS)('loaded with %s', (variant) => {
  const everything: FirewallSpec = {
    ...SPEC,
    nat: 'masquerade',
    commands: read(SCRIPT).commands,
    helper: { ports: [21, 2121], openedBy: 'anybody', attach: 'rule' },
    translates: true,
  };

  test('every row that stands is there with its number; policies are the scenario’s', () => {
    const { code, stderr, saved } = load(variant, iptablesRuleset(everything).text);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Row 6 was deleted again; -R 2 took the first of row 4's two.
    expect(rowNumbers(saved)).toEqual([1, 2, 3, 4, 5, 7, 8, 9]);
    expect(saved).toContain(':INPUT DROP');
    expect(saved).toContain(':FORWARD DROP');
    expect(saved).toContain('--helper ftp');
    expect(readIptablesCounters(saved)).toContainEqual({ row: 'policy', packets: 0, bytes: 0 });
  });

  test('NAT, forwarded ports and both ways of attaching the helper load', () => {
    const forward = Array.from({ length: 20 }, (_, at) => [5000 + at * 10, 5005 + at * 10] as const);
    const helper = { ports: [21], openedBy: 'anybody', attach: 'module' } as const;
    const spec: FirewallSpec = { ...SPEC, nat: 'masquerade', forward, helper };
    const { code, saved } = load(variant, iptablesRuleset(spec).text);
    expect(code).toBe(0);
    expect(saved.match(/-j DNAT --to-destination 10\.0\.0\.10/g)).toHaveLength(3);
    expect(saved).toContain('-i lab-unattached -p tcp -m multiport --dports 21 -j CT --helper ftp');
    expect(saved).toContain('-A POSTROUTING -o outside -j MASQUERADE');
  });

  test('as an ordinary user', () => {
    const { code, saved } = load(variant, iptablesRuleset(everything).text, '', [
      ...AS_NOBODY,
      ...NAMESPACES,
    ]);
    expect(code).toBe(0);
    expect(rowNumbers(saved)).toHaveLength(8);
  });

  test('a real packet counts on its row, a list of addresses on one', () => {
    const send = `const s = require('dgram').createSocket('udp4');
      s.send('four', 9, '127.0.0.1', () => s.send('four', 9, '127.0.0.2', () => s.close()));`;
    const { commands } = read(
      '-A OUTPUT -p tcp\n-A OUTPUT -d 127.0.0.1,127.0.0.2 -p udp --dport 9 -j ACCEPT',
    );
    const { text } = iptablesRuleset({ ...SPEC, commands });
    const { saved } = load(variant, text, `ip link set lo up; '${process.execPath}' -e "${send}"`);
    // 20 bytes of IP header, 8 of UDP, 4 of payload (RFC 791, RFC 768); twice.
    expect(readIptablesCounters(saved)).toContainEqual({ row: 2, packets: 2, bytes: 64 });
    expect(readIptablesCounters(saved)).toContainEqual({ row: 1, packets: 0, bytes: 0 });
  });

  test.each([
    [
      '-A FORWARD -p tcp -m nosuch --foo 1 -j ACCEPT',
      "Couldn't load match `nosuch':No such file or directory",
      21,
    ],
    ['-A FORWARD -m limit --limit 0/s -j ACCEPT', 'bad rate "0/s"\'', 28],
    ['-A FORWARD -p icmp --icmp-type foo -j DROP', "Unknown ICMP type `foo'", 31],
    ['-A FORWARD -j REJECT --reject-with foo', 'unknown reject type "foo"', 35],
    ['-A FORWARD -m string --string x -j DROP', 'string: option "--algo" must be specified', 0],
  ])('what it refuses comes back as a row: %s', (text, message, column) => {
    const { commands, rows } = read(`-A FORWARD -p tcp -j ACCEPT\n${text}\n-A FORWARD -j DROP`);
    const ruleset = iptablesRuleset({ ...SPEC, nat: 'masquerade', commands });
    const { code, stderr } = load(variant, ruleset.text);
    expect(code).not.toBe(0);
    expect(refusedRows(stderr, ruleset)).toEqual([{ row: 2, message, column }]);
    const named = /[`"]([^`'"]+)['"]/.exec(message)?.[1] ?? '';
    if (column > 0) expect(rows[1]?.text.slice(column, column + named.length)).toBe(named);
  });

  test('what the kernel refuses', () => {
    const { commands } = read('-A FORWARD -j DROP\n-A FORWARD -p udp -j REJECT --reject-with tcp-reset');
    const ruleset = iptablesRuleset({ ...SPEC, commands });
    const { code, stderr } = load(variant, ruleset.text);
    expect(code).not.toBe(0);
    // Legacy hands over all of a table at COMMIT, and names that line.
    const refused = [{ row: 2, message: 'the kernel refuses it: Invalid argument', column: 0 }];
    expect(refusedRows(stderr, ruleset)).toEqual(variant === 'iptables-nft' ? refused : []);
  });

  test('10,000 rows', () => {
    const count = 10_000;
    const { commands, rows } = read(
      Array.from(
        { length: count },
        (_, at) => `-A FORWARD -s 10.0.${at >> 8}.${at & 255} -p tcp --dport ${at + 1} -j ACCEPT`,
      ).join('\n'),
    );
    expect(rows).toHaveLength(count);
    const { code, saved } = load(variant, iptablesRuleset({ ...SPEC, commands }).text);
    expect(code).toBe(0);
    expect(rowNumbers(saved)).toEqual(rows.map(({ row }) => row));
  });
});

const port = fc.integer({ min: 1, max: 65535 });
const ports = fc
  .tuple(port, port)
  .map(([a, b]) => (a === b ? String(a) : `${Math.min(a, b)}:${Math.max(a, b)}`));
const address = fc
  .tuple(fc.ipV4(), fc.option(fc.integer({ min: 1, max: 32 })))
  .map(([ip, prefix]) => (prefix === null ? ip : `${ip}/${prefix}`));
const either = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const optional = (word: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.option(word).map((text) => text ?? '');

/** The words of a sensible rule, behind the chain. */
const ruleWords = fc
  .tuple(
    optional(either('-i inside', '-o outside', '! -i inside')),
    optional(fc.tuple(either('-s', '! -s', '--src'), address).map((words) => words.join(' '))),
    optional(fc.tuple(either('-d', '! --dst'), address).map((words) => words.join(' '))),
    optional(
      fc.oneof(
        fc
          .tuple(either('tcp --sport', 'udp --dport', 'tcp --syn --dport'), ports)
          .map(([to, range]) => `-p ${to} ${range}`),
        fc
          .array(port, { minLength: 1, maxLength: 15 })
          .map((list) => `-p tcp -m multiport --dports ${list.join(',')}`),
        either('-p icmp --icmp-type echo-request', '! -p tcp', '-p 17'),
      ),
    ),
    optional(either('-m state --state NEW', '-m conntrack ! --ctstate INVALID', '-m limit --limit 3/minute')),
    optional(
      fc
        .string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' })
        .map((text) => `-m comment --comment "${text.replace(/["\\]/g, '\\$&')}"`),
    ),
    either('-j ACCEPT', '-j DROP', '-j REJECT', '-j mine', "-j LOG --log-prefix 'it was: '", ''),
  )
  .map((words) => words.filter((word) => word !== '').join(' '));

const COMMANDS = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(either('-A FORWARD', '-I FORWARD', '-I FORWARD 2', '-R FORWARD 1'), ruleWords),
  },
  { weight: 2, arbitrary: fc.tuple(either('-A mine', '-I mine'), ruleWords) },
  {
    weight: 2,
    arbitrary: fc.tuple(either('-D FORWARD 1', '-F', '-F FORWARD', '-X', '-Z', '-P OUTPUT DROP')),
  },
);

/** Scripts of commands that each make sense where they stand. */
const SCRIPTS = fc.array(COMMANDS, { minLength: 1, maxLength: 30 }).map((commands) => {
  let lines = ['-N mine', '-A FORWARD -j mine'];
  for (const [command = '', words = ''] of commands) {
    // A chain that jumps to itself would be a loop.
    const rule = command.endsWith(' mine') ? words.replace(/-j mine$/, '-j RETURN') : words;
    const longer = [...lines, `${command} ${rule}`.trim()];
    if (iptables.parse(longer.join('\n'), CONTEXT).problems.length === 0) lines = longer;
  }
  return lines.join('\n');
});

/** Table filter as saved: chains with their policies, and rules in their order. */
function tableFilter(saved: string): { chains: string[]; rules: string[] } {
  const lines = saved.slice(saved.indexOf('*filter')).split('\n');
  return {
    chains: lines.filter((line) => line.startsWith(':')).sort(),
    rules: lines.filter((line) => line.includes(' -A ')),
  };
}

describe('for all sensible rules', () => {
  test('printed and read again they are the same commands', () => {
    fc.assert(
      fc.property(SCRIPTS, (script) => {
        const { commands } = read(script);
        expect(read(printIptables(commands)).commands).toEqual(commands);
      }),
    );
  });

  test('what we find no fault with loads, to the same rules in both variants', () => {
    fc.assert(
      fc.property(SCRIPTS, (script) => {
        const { text } = iptablesRuleset({ ...SPEC, commands: read(script).commands });
        const [nft, legacy] = VARIANTS.map((variant) => load(variant, text));
        expect({ code: nft?.code, stderr: nft?.stderr }).toEqual({ code: 0, stderr: '' });
        expect({ code: legacy?.code, stderr: legacy?.stderr }).toEqual({ code: 0, stderr: '' });
        expect(tableFilter(nft?.saved ?? '')).toEqual(tableFilter(legacy?.saved ?? ''));
        expect(nft?.saved).toContain(':INPUT DROP');
        expect(nft?.saved).toContain(':FORWARD DROP');
      }),
      { numRuns: 40 },
    );
  });

  test('printed with their table', () => {
    expect(printIptables(read('-t nat -A POSTROUTING  -j MASQUERADE\n-N mine').commands)).toBe(
      'iptables -t nat -A POSTROUTING -j MASQUERADE\niptables -N mine\n',
    );
  });
});

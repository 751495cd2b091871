import { spawnSync } from 'node:child_process';
import { parseTable, type TableRow } from '../../src/firewall/faq-table/table';
import { faqTable } from '../../src/firewall/faq-table/dialect';
import { FAQ_TABLES, tableText } from '../../src/firewall/faq-table/printed';
import { ipchains } from '../../src/firewall/ipchains/dialect';
import { iptables, iptablesRuleset } from '../../src/firewall/iptables/dialect';
import type { DialectContext, FirewallKind } from '../../src/firewall/kinds';

// The FAQ's five tables: what is printed, and what it becomes on each kind of firewall.

const context = (kind: FirewallKind, firstRow = 1): DialectContext => ({
  kind,
  names: { inside_net: '10.0.0.0/24' },
  firstRow,
});

/** The five tables as the FAQ prints them: its eleven columns with tabs between, cells really empty. */
const HEADER = 'Action\tType\tFrom Address\tMask\tPort \tTo Address\tMask\tPort\tDirection\tSYN\tNotes';
const PRINTED: Readonly<Record<string, readonly string[]>> = {
  T1: [
    'accept\ttcp\tNetwork IP\t \t1025-65535\tany\t \t21\toutput\t \tControl',
    'accept\ttcp\tNetwork IP\t \t1025-65535\tany\t \t20\toutput\t \tData',
    'deny\ttcp\tany\t \t21\tNetwork IP\t \t1025-65535\tinput\tY\tOpening',
    'accept\ttcp\tany\t \t21\tNetwork IP\t \t1025-65535\tinput\t \tControl',
    'deny\ttcp\tany\t \t \tNetwork IP\t \t6000-6009\tinput\t \tX',
    'accept\ttcp\tany\t \t20\tNetwork IP\t \t1025-65535\tinput\t \tData',
  ],
  T2: [
    'accept\ttcp\tNetwork IP\t\t1025-65535\tany\t\t21\toutput\t\tControl',
    'accept\ttcp\tNetwork IP\t\t1025-65535\tany\t\t1025-65535\toutput\t\tData',
    'deny\ttcp\tany\t\t\tNetwork IP\t\t1025-65535\tinput\tY\tOpening',
    'accept\ttcp\tany\t\t1025-65535\tNetwork IP\t\t1025-65535\tinput\t\tBoth',
  ],
  T3: [
    'accept\ttcp\tNetwork IP\t\t1025-65535\tany\t\t21\toutput',
    'accept\ttcp\tNetwork IP\t\t1025-65535\tany\t\t1025-65535\toutput',
    'deny\ttcp\tany\t\t\tNetwork IP\t\t1025-65535\tinput\tY',
    'accept\ttcp\tany\t\t1025-65535\tNetwork IP\t\t1025-65535\tinput\t\t\t',
  ],
  T4: [
    'accept\ttcp\tNetwork IP\t\u00a0\t21\tany\t\u00a0\t1025-65535\toutput\t\u00a0\tControl',
    'accept\ttcp\tNetwork IP\t\u00a0\t20\tany\t\u00a0\t1025-65535\toutput\t\u00a0\tData',
    'accept\ttcp\tany\t\u00a0\t1025-65535\tNetwork IP\t\u00a0\t21\tinput\t\u00a0\tControl',
    'deny\ttcp\tany\t\u00a0\t\u00a0\tNetwork IP\t\u00a0\t20\tinput\tY\tOpening',
    'accept\ttcp\tany\t\u00a0\t1025-65535\tNetwork IP\t\u00a0\t20\tinput\t\u00a0\tData',
  ],
  T5: [
    'accept\ttcp\tNetwork IP\t-\t1025-65535\tany\t-\t1025-65535\toutput\t-\tData',
    'deny\ttcp\tany\t-\t-\tNetwork IP\t-\t6000-6009\tinput\t-\tX',
    'accept\ttcp\tany\t-\t1025-65535\tNetwork IP\t-\t1025-65535\tinput\t-\tData',
  ],
};

/** What each table becomes: iptables rules and ipchains commands. */
const IPTABLES: Readonly<Record<string, readonly string[]>> = {
  T1: [
    '-o outside -p tcp -s 10.0.0.0/24 --sport 1025:65535 --dport 21 -j ACCEPT',
    '-o outside -p tcp -s 10.0.0.0/24 --sport 1025:65535 --dport 20 -j ACCEPT',
    '-i outside -p tcp --sport 21 -d 10.0.0.0/24 --dport 1025:65535 --syn -j DROP',
    '-i outside -p tcp --sport 21 -d 10.0.0.0/24 --dport 1025:65535 -j ACCEPT',
    '-i outside -p tcp -d 10.0.0.0/24 --dport 6000:6009 -j DROP',
    '-i outside -p tcp --sport 20 -d 10.0.0.0/24 --dport 1025:65535 -j ACCEPT',
  ],
  T2: [
    '-o outside -p tcp -s 10.0.0.0/24 --sport 1025:65535 --dport 21 -j ACCEPT',
    '-o outside -p tcp -s 10.0.0.0/24 --sport 1025:65535 --dport 1025:65535 -j ACCEPT',
    '-i outside -p tcp -d 10.0.0.0/24 --dport 1025:65535 --syn -j DROP',
    '-i outside -p tcp --sport 1025:65535 -d 10.0.0.0/24 --dport 1025:65535 -j ACCEPT',
  ],
  T3: [
    '-o outside -p tcp -s 10.0.0.0/24 --sport 1025:65535 --dport 21 -j ACCEPT',
    '-o outside -p tcp -s 10.0.0.0/24 --sport 1025:65535 --dport 1025:65535 -j ACCEPT',
    '-i outside -p tcp -d 10.0.0.0/24 --dport 1025:65535 --syn -j DROP',
    '-i outside -p tcp --sport 1025:65535 -d 10.0.0.0/24 --dport 1025:65535 -j ACCEPT',
  ],
  T4: [
    '-o outside -p tcp -s 10.0.0.0/24 --sport 21 --dport 1025:65535 -j ACCEPT',
    '-o outside -p tcp -s 10.0.0.0/24 --sport 20 --dport 1025:65535 -j ACCEPT',
    '-i outside -p tcp --sport 1025:65535 -d 10.0.0.0/24 --dport 21 -j ACCEPT',
    '-i outside -p tcp -d 10.0.0.0/24 --dport 20 --syn -j DROP',
    '-i outside -p tcp --sport 1025:65535 -d 10.0.0.0/24 --dport 20 -j ACCEPT',
  ],
  T5: [
    '-o outside -p tcp -s 10.0.0.0/24 --sport 1025:65535 --dport 1025:65535 -j ACCEPT',
    '-i outside -p tcp -d 10.0.0.0/24 --dport 6000:6009 -j DROP',
    '-i outside -p tcp --sport 1025:65535 -d 10.0.0.0/24 --dport 1025:65535 -j ACCEPT',
  ],
};
const IPCHAINS: Readonly<Record<string, readonly string[]>> = {
  T1: [
    'ipchains -A output -i outside -p tcp -s 10.0.0.0/24 1025:65535 -d 0/0 21 -j ACCEPT',
    'ipchains -A output -i outside -p tcp -s 10.0.0.0/24 1025:65535 -d 0/0 20 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -s 0/0 21 -d 10.0.0.0/24 1025:65535 -y -j DENY',
    'ipchains -A input -i outside -p tcp -s 0/0 21 -d 10.0.0.0/24 1025:65535 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -d 10.0.0.0/24 6000:6009 -j DENY',
    'ipchains -A input -i outside -p tcp -s 0/0 20 -d 10.0.0.0/24 1025:65535 -j ACCEPT',
  ],
  T2: [
    'ipchains -A output -i outside -p tcp -s 10.0.0.0/24 1025:65535 -d 0/0 21 -j ACCEPT',
    'ipchains -A output -i outside -p tcp -s 10.0.0.0/24 1025:65535 -d 0/0 1025:65535 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -d 10.0.0.0/24 1025:65535 -y -j DENY',
    'ipchains -A input -i outside -p tcp -s 0/0 1025:65535 -d 10.0.0.0/24 1025:65535 -j ACCEPT',
  ],
  'T3-corrected-ipchains': [
    'ipchains -A output -i outside -p tcp -s 0/0 1025:65535 -d 0/0 21 -j ACCEPT',
    'ipchains -A output -i outside -p tcp -s 0/0 1025:65535 -d 0/0 1025:65535 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -d 0/0 1025:65535 -y -j DENY',
    'ipchains -A input -i outside -p tcp -s 0/0 21 -d 0/0 1025:65535 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -s 0/0 1025:65535 -d 0/0 1025:65535 -j ACCEPT',
  ],
  T4: [
    'ipchains -A output -i outside -p tcp -s 10.0.0.0/24 21 -d 0/0 1025:65535 -j ACCEPT',
    'ipchains -A output -i outside -p tcp -s 10.0.0.0/24 20 -d 0/0 1025:65535 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -s 0/0 1025:65535 -d 10.0.0.0/24 21 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -d 10.0.0.0/24 20 -y -j DENY',
    'ipchains -A input -i outside -p tcp -s 0/0 1025:65535 -d 10.0.0.0/24 20 -j ACCEPT',
  ],
  T5: [
    'ipchains -A output -i outside -p tcp -s 10.0.0.0/24 1025:65535 -d 0/0 1025:65535 -j ACCEPT',
    'ipchains -A input -i outside -p tcp -d 10.0.0.0/24 6000:6009 -j DENY',
    'ipchains -A input -i outside -p tcp -s 0/0 1025:65535 -d 10.0.0.0/24 1025:65535 -j ACCEPT',
  ],
};

/** What a row means, without where it stands and how it is worded. */
const meaning = ({ action, type, from, to, direction, syn }: TableRow) =>
  [action, type, from, to, direction, syn] as const;

describe('the FAQ’s tables', () => {
  test.each(Object.entries(PRINTED))('%s as data is what is printed, column by column', (name, lines) => {
    const printed = parseTable([HEADER, ...lines].join('\n'));
    const data = parseTable(tableText(name));
    expect([printed.problems, data.problems]).toEqual([[], []]);
    expect(printed.rows).toHaveLength(lines.length);
    expect(data.rows.map(meaning)).toEqual(printed.rows.map(meaning));
    expect(FAQ_TABLES[name]?.printed).toBe(true);
  });

  test.each(Object.entries(IPTABLES))('%s on iptables', (name, lines) => {
    const { commands, rows, problems, policy, translates } = faqTable.parse(
      tableText(name),
      context('iptables', 5),
    );
    expect(commands).toEqual(
      lines.map((line, index) => ({
        table: 'filter',
        text: `-A FORWARD ${line}`,
        row: 5 + index,
      })),
    );
    expect(rows.map(({ row }) => row)).toEqual(lines.map((_, index) => 5 + index));
    expect(rows.map(({ stops }) => stops)).toEqual(lines.map((line) => line.endsWith('DROP')));
    expect({ problems, policy, translates }).toEqual({ problems: [], policy: null, translates: false });
  });

  test.each(Object.entries(IPCHAINS))('%s on ipchains', (name, lines) => {
    const { commands, problems } = faqTable.parse(tableText(name), context('ipchains'));
    expect(problems).toEqual([]);
    expect(commands).toEqual(lines.map((text, index) => ({ table: '', text, row: index + 1 })));
  });

  test.each(['T2', 'T3'])('%s-corrected differs by one row, for replies from port 21', (name) => {
    const as = (table: string) =>
      parseTable(tableText(table)).rows.map((row) => JSON.stringify(meaning(row)));
    const printed = as(name);
    const corrected = as(`${name}-corrected`);
    const [added] = corrected.splice(3, 1);
    expect(corrected).toEqual(printed);
    expect(JSON.parse(added ?? '')).toEqual([
      'accept',
      'tcp',
      { address: 'any', ports: [21, 21] },
      { address: 'network', ports: [1025, 65535] },
      'input',
      false,
    ]);
  });

  test('a corrected table says of which, and why; a printed one has neither', () => {
    for (const { printed, of, why } of Object.values(FAQ_TABLES)) {
      expect([of === undefined, why === undefined]).toEqual([printed, printed]);
      if (of !== undefined) expect(FAQ_TABLES[of]?.printed).toBe(true);
    }
    expect(Object.keys(FAQ_TABLES)).toEqual(
      expect.arrayContaining(['T1', 'T2', 'T3', 'T4', 'T5', 'T2-corrected', 'T3-corrected']),
    );
  });

  test('an unknown table lists the known ones', () => {
    const known = 'T1, T2, T3, T4, T5, T2-corrected, T3-corrected, T3-corrected-ipchains';
    expect(() => tableText('T6')).toThrow(new Error(`unknown table "T6"; known: ${known}`));
    expect(() => tableText('constructor')).toThrow('unknown table "constructor"');
  });

  test.each(['iptables', 'ipchains'] as const)('the commands are good %s', (kind) => {
    for (const name of Object.keys(FAQ_TABLES)) {
      const { commands } = faqTable.parse(tableText(name), context(kind));
      const text = commands.map((command) => command.text).join('\n');
      const { rows, problems } = { iptables, ipchains }[kind].parse(text, context(kind));
      expect(problems).toEqual([]);
      expect(rows.map(({ row }) => row)).toEqual(commands.map(({ row }) => row));
    }
  });

  // The kernel's own word for it, in a network of the test's own.
  test('iptables loads all five, and every row keeps its number', () => {
    let firstRow = 1;
    const commands = ['T1', 'T2', 'T3', 'T4', 'T5'].flatMap((name) => {
      const parsed = faqTable.parse(tableText(name), context('iptables', firstRow));
      firstRow += parsed.rows.length;
      return parsed.commands;
    });
    const ruleset = iptablesRuleset({
      nat: 'none',
      policy: 'drop',
      input: 'accept',
      commands,
      helper: { ports: [], openedBy: 'anybody', attach: 'rule' },
      forward: [],
      names: {},
      insideHost: '10.0.0.10',
      translates: false,
    });
    const script = 'mount -t tmpfs none /run && iptables-restore && iptables-save -t filter';
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--user', '--map-root-user', '--net', '--mount', 'sh', '-c', script],
      {
        input: ruleset.text,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
      },
    );
    expect([status, stderr]).toEqual([0, '']);
    const loaded = stdout.split('\n').filter((line) => line.startsWith('-A '));
    expect(loaded.map((line) => Number(/"row (\d+)"/.exec(line)?.[1]))).toEqual(
      Array.from({ length: 22 }, (_, index) => index + 1),
    );
    const syn = loaded.filter((line) => line.includes('--tcp-flags FIN,SYN,RST,ACK SYN'));
    expect(syn.map((line) => line.endsWith('-j DROP'))).toEqual([true, true, true, true]);
  });
});

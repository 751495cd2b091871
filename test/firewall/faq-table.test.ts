import fc from 'fast-check';
import { isFaqTable, parseTable, printTable, type TableRow } from '../../src/firewall/faq-table/table';
import { faqTable } from '../../src/firewall/faq-table/dialect';
import type { DialectContext, FirewallKind } from '../../src/firewall/kinds';

// How a table is written, and that what is printed is read back the same.

const context = (kind: FirewallKind): DialectContext => ({
  kind,
  names: { inside_net: '10.0.0.0/24' },
  firstRow: 1,
});

/** What a row means, without where it stands and how it is worded. */
const meaning = ({ action, type, from, to, direction, syn }: TableRow) =>
  [action, type, from, to, direction, syn] as const;

describe('how a table is written', () => {
  const head = 'action type from port to port direction';
  const read = (text: string) => {
    const { rows, problems } = parseTable(text);
    expect(problems).toEqual([]);
    return rows;
  };

  test.each([
    ['the header', `${head}\n`, true],
    ['after comments and blank lines, in capitals, with CRLF', `# mine\r\n\r\n  ACTION\tTYPE\r\n`, true],
    ['any line that begins so', 'action', true],
    ['another word', 'actions type', false],
    ['a command', '-A FORWARD -j ACCEPT', false],
    ['nothing', '', false],
  ])('a table is told by its header: %s', (_, text, is) => {
    expect(isFaqTable(text)).toBe(is);
  });

  test('blanks, tabs, comments, CRLF, capitals, and where a row stands', () => {
    const rows = read(
      `# rules of mine\r\n\r\n  ${head} syn notes\r\n` +
        "\t DENY  TCP\tany any  Network   IP 1025-65535 INPUT y  caf\u00e9 \u2013 don't   ask  # why\r\n\r\n" +
        'accept udp 10.0.0.7 - any 53 output  - for  names\n',
    );
    expect(rows).toEqual([
      {
        action: 'deny',
        type: 'tcp',
        from: { address: 'any', ports: null },
        to: { address: 'network', ports: [1025, 65535] },
        direction: 'input',
        syn: true,
        notes: "caf\u00e9 \u2013 don't ask # why",
        line: 3,
        column: 2,
        text: "DENY TCP any any Network IP 1025-65535 INPUT y caf\u00e9 \u2013 don't ask # why",
      },
      {
        action: 'accept',
        type: 'udp',
        from: { address: '10.0.0.7', ports: null },
        to: { address: 'any', ports: [53, 53] },
        direction: 'output',
        syn: false,
        notes: 'for names',
        line: 5,
        column: 0,
        text: 'accept udp 10.0.0.7 - any 53 output - for names',
      },
    ]);
  });

  test.each([
    ['the SYN cell left out', `${head} syn notes`, 'any 21 any 22 input Yes, do', false, 'Yes, do'],
    ['a SYN cell without a column for it', head, 'any 21 any 22 input -', false, ''],
    ['no SYN column', `${head} notes`, 'any 21 any 22 input all of it', false, 'all of it'],
    ['a dash in the notes', `${head} syn notes`, 'any 21 any 22 input - - x', false, '- x'],
    ['nothing after the direction', `${head} syn notes`, 'any 21 any 22 input', false, ''],
    ['Network IP in the notes', `${head} syn notes`, 'any 21 any 22 input Network IP', false, 'Network IP'],
  ])('what follows the direction: %s', (_, header, row, syn, notes) => {
    expect(read(`${header}\naccept tcp ${row}`)).toEqual([expect.objectContaining({ syn, notes })]);
  });

  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.1/32', '10.0.0.1'],
    ['10.0.0.0/255.255.255.0', '10.0.0.0/24'],
    ['010.0.0.1', '10.0.0.1'],
    ['0/0', 'any'],
    ['0.0.0.0/0', 'any'],
    ['NETWORK', 'network'],
    ['Any', 'any'],
  ])('an address, %s, is %s', (text, address) => {
    expect(read(`${head}\naccept tcp ${text} - any - input`)[0]?.from.address).toBe(address);
  });

  test.each([
    ['24', '10.0.0.0/24'],
    ['255.255.0.0', '10.0.0.0/16'],
    ['0', 'any'],
    ['-', '10.0.0.0'],
  ])('a mask in its own column, %s', (mask, address) => {
    const header = 'action type from mask port to port direction';
    expect(read(`${header}\naccept tcp 10.0.0.0 ${mask} - any - input`)[0]?.from.address).toBe(address);
  });

  test.each(['icmp', 'any'])('type %s says no port', (type) => {
    const table = `${head}\ndeny ${type} any - 10.0.0.9 any input`;
    const text = (kind: FirewallKind) => faqTable.parse(table, context(kind)).commands[0]?.text;
    const protocol = type === 'any' ? '' : '-p icmp ';
    expect(text('iptables')).toContain(`-i outside ${protocol}-d 10.0.0.9 -j DROP`);
    expect(text('ipchains')).toBe(`ipchains -A input -i outside ${protocol}-d 10.0.0.9 -j DENY`);
  });

  test('ten thousand rows', () => {
    const text = [head, ...Array<string>(10_000).fill('accept tcp network 1025-65535 any 21 output')].join(
      '\n',
    );
    const { commands, problems } = faqTable.parse(text, context('iptables'));
    expect(problems).toEqual([]);
    expect(commands.at(-1)).toMatchObject({ row: 10_000 });
  });
});

describe('what is printed is read back the same', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const network = fc
    .tuple(fc.tuple(octet, octet, octet, octet), fc.integer({ min: 1, max: 32 }))
    .map(([octets, prefix]) => `${octets.join('.')}${prefix === 32 ? '' : `/${prefix}`}`);
  const port = fc.integer({ min: 1, max: 65535 });
  const ports = fc.option(fc.tuple(port, port).map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a])));
  const end = (hasPorts: boolean) =>
    fc.record({
      address: fc.oneof(fc.constantFrom('network', 'any'), network),
      ports: hasPorts ? ports : fc.constant(null),
    });
  // Comments and quotes are the business of the rule lines; blanks are squeezed in reading.
  const word = fc.oneof(
    fc.constantFrom('Y', 'y', '-', 'Network IP', 'any', '21', 'caf\u00e9', '\u2013', '\u{1f512}'),
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => /^[^\s#"'\p{C}]+$/u.test(text)),
  );
  const notes = fc
    .array(word, { maxLength: 5 })
    .map((list) => list.join(' '))
    .filter((text) => text !== '-');
  const row = fc.constantFrom('tcp', 'udp', 'icmp', 'any').chain((type) =>
    fc.record({
      action: fc.constantFrom('accept', 'deny'),
      type: fc.constant(type),
      from: end(type === 'tcp' || type === 'udp'),
      to: end(type === 'tcp' || type === 'udp'),
      direction: fc.constantFrom('input', 'output'),
      syn: type === 'tcp' ? fc.boolean() : fc.constant(false),
      notes,
    }),
  );

  test('the columns are aligned', () => {
    const text = [
      'Action\tType\tFrom Address\tMask\tPort\tTo Address\tPort\tDirection\tSYN\tNotes',
      'accept\ttcp\tNetwork IP\t\t1025-65535\tany\t21\toutput\t\tcontrol',
      'deny\ttcp\tany\t\t\t10.0.0.0/255.255.255.0\t\tinput\tY',
      'deny\ticmp\t10.0.0.7\t32\tany\tany\t-\toutput',
    ].join('\n');
    expect(printTable(parseTable(text).rows)).toBe(
      [
        'action  type  from      port        to           port  direction  syn  notes\n',
        'accept  tcp   network   1025-65535  any          21    output     -    control\n',
        'deny    tcp   any       -           10.0.0.0/24  -     input      Y\n',
        'deny    icmp  10.0.0.7  -           any          -     output     -\n',
      ].join(''),
    );
  });

  test('any table', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (table) => {
        const rows = table.map((cells) => ({ ...cells, line: 0, column: 0, text: '' }));
        const text = printTable(rows);
        const { rows: read, problems } = parseTable(text);
        expect(problems).toEqual([]);
        expect(read.map((cells) => [...meaning(cells), cells.notes])).toEqual(
          rows.map((cells) => [...meaning(cells), cells.notes]),
        );
        // Nothing is lost in the second round, not even where a row stands.
        expect(parseTable(printTable(read)).rows).toEqual(read);
      }),
    );
  });

  test('any text that is a table', () => {
    const cell = fc.constantFrom(
      ...['accept', 'deny', 'tcp', 'udp', 'any', 'network', 'Network IP', '-', '21', '1-9', 'input', 'Y'],
      ...['10.0.0.1', '0/0', '# no', '"', "it's", '\t', 'output', '\u00a0', '', '65536', 'é'],
    );
    const line = fc.oneof(
      fc.tuple(
        fc.constantFrom('accept tcp any - any 21 input', '\taccept\ttcp\tany\t\tany\t21\tinput'),
        cell,
        cell,
      ),
      fc.array(cell, { maxLength: 12 }),
    );
    const header = fc.constantFrom(
      'action type from port to port direction syn notes',
      'Action\tType\tFrom Address\tPort\tTo Address\tPort\tDirection\tSYN\tNotes',
    );
    fc.assert(
      fc.property(header, fc.array(line), fc.constantFrom(' ', '\t'), (head, lines, blank) => {
        const { rows } = parseTable([head, ...lines.map((cells) => cells.join(blank))].join('\n'));
        const again = parseTable(printTable(rows));
        expect(again.problems).toEqual([]);
        expect(again.rows.map((cells) => [...meaning(cells), cells.notes])).toEqual(
          rows.map((cells) => [...meaning(cells), cells.notes]),
        );
      }),
      { numRuns: 500 },
    );
  });
});

import { parseTable } from '../../src/firewall/faq-table/table';
import { faqTable } from '../../src/firewall/faq-table/dialect';
import type { RuleProblem } from '../../src/firewall/kinds';

// What is wrong with a table is said once, whole, and at its word. Lines and columns from 0.

const HEAD = 'action type from port to port direction syn notes';
const MASKS = 'action type from mask port to mask port direction';
const TABS = 'Action\tType\tFrom Address\tPort\tTo Address\tPort\tDirection\tSYN\tNotes';
const WANTED = 'action type from [mask] port to [mask] port direction [syn] [notes]';
const COLUMNS = 'action, type, from, mask, port, to, direction, syn, notes';
const ENDS = 'Network IP, any, or an address such as 10.0.0.1 or 10.0.0.0/24';
const PORTS = 'a number from 1 to 65535, or a range such as 1025-65535';
const GOOD = 'accept tcp network 21 any 22 output';

const located = (problems: readonly RuleProblem[]): [string, string][] =>
  problems.map(({ line, column, message }) => [`${line}:${column}`, message]);

/** What is wrong, the table, the place, the message. */
const CASES: readonly (readonly [string, string, string, string])[] = [
  // The header.
  ['nothing', '', '0:0', `the table is empty; wanted: ${WANTED}`],
  ['only a comment', '# action\n', '0:0', `the table is empty; wanted: ${WANTED}`],
  [
    'an unknown column',
    `\n${HEAD.replace('notes', 'remarks')}\n${GOOD}`,
    '1:44',
    `unknown column "remarks"; known: ${COLUMNS}`,
  ],
  [
    'a missing column',
    'action type from port to port syn',
    '0:0',
    `the header lacks direction; wanted: ${WANTED}`,
  ],
  [
    'missing columns, one of a pair',
    '  action from to port direction',
    '0:2',
    `the header lacks type, a second port; wanted: ${WANTED}`,
  ],
  [
    'columns in another order',
    'action from type port to port direction',
    '0:7',
    `column "from" is out of order; wanted: ${WANTED}`,
  ],
  [
    'notes before SYN',
    'action type from port to port direction notes syn',
    '0:46',
    `column "syn" is out of order; wanted: ${WANTED}`,
  ],
  ['a column twice', `${HEAD} notes`, '0:50', `column "notes" is out of order; wanted: ${WANTED}`],
  [
    'a header with two tabs between',
    TABS.replace('\tType', '\t\tType'),
    '0:7',
    `a column has no heading; with tabs in the header, cells stand between single tabs; known: ${COLUMNS}`,
  ],
  [
    'a header that is not ASCII',
    HEAD.replace('notes', 'nótes'),
    '0:44',
    `unknown column "n?tes"; known: ${COLUMNS}`,
  ],
  // Words from short lists.
  [
    'an unknown action',
    `${HEAD}\ndrop tcp any 21 any 22 input`,
    '1:0',
    'action is "drop"; allowed: accept, deny',
  ],
  [
    'an unknown type',
    `${HEAD}\ndeny gre any - any - input`,
    '1:5',
    'type is "gre"; allowed: tcp, udp, icmp, any',
  ],
  [
    'an unknown direction',
    `${HEAD}\ndeny tcp any 21 any 22 forward`,
    '1:23',
    'direction is "forward"; allowed: input, output',
  ],
  ['an empty action', `${HEAD}\n- tcp any 21 any 22 input`, '1:0', 'action is empty; allowed: accept, deny'],
  [
    'a SYN cell that says no',
    `${HEAD.replace(' notes', '')}\n${GOOD} N`,
    '1:36',
    'SYN is "N"; allowed: Y, or - for none',
  ],
  [
    'a SYN cell between tabs that says yes',
    `${TABS}\naccept\ttcp\tany\t21\tany\t22\tinput\tyes`,
    '1:31',
    'SYN is "yes"; allowed: Y, or - for none',
  ],
  [
    'a SYN cell where no column is',
    `${HEAD.replace(' syn', '')}\n${GOOD} Y`,
    '1:36',
    '"Y" has no column; add syn to the header',
  ],
  [
    'SYN on udp',
    `${HEAD}\ndeny udp any 21 any 22 input Y`,
    '1:29',
    'SYN beside type udp; it goes with tcp: write -',
  ],
  [
    'SYN on any',
    `${HEAD}\ndeny any any - any - input Y`,
    '1:27',
    'SYN beside type any; it goes with tcp: write -',
  ],
  // Addresses and masks.
  ['a name for an address', `${HEAD}\ndeny tcp lan - any - input`, '1:9', `from is "lan"; allowed: ${ENDS}`],
  ['no address', `${HEAD}\ndeny tcp any - - - input`, '1:15', `to is empty; allowed: ${ENDS}`],
  [
    'half an address',
    `${HEAD}\ndeny tcp 10.0.0 - any - input`,
    '1:9',
    '"10.0.0" is no IPv4 address; allowed: e.g. 10.0.0.1 or 10.0.0.0/24',
  ],
  [
    'IPv6',
    `${HEAD}\ndeny tcp any - 2001:db8::1 - input`,
    '1:15',
    '"2001:db8::1" is IPv6; allowed: IPv4 addresses',
  ],
  [
    'IPv6 without a digit',
    `${HEAD}\ndeny tcp any - ::/0 - input`,
    '1:15',
    '"::/0" is IPv6; allowed: IPv4 addresses',
  ],
  [
    'a bad mask',
    `${HEAD}\ndeny tcp 10.0.0.0/33 - any - input`,
    '1:9',
    '"33" is no mask; allowed: 0 to 32, or e.g. 255.255.255.0',
  ],
  [
    'a bad mask in its column',
    `${MASKS}\ndeny tcp 10.0.0.0 255.255 - any - - input`,
    '1:18',
    '"255.255" is no mask; allowed: 0 to 32, or e.g. 255.255.255.0',
  ],
  [
    'a mask with holes',
    `${MASKS}\ndeny tcp any - - 10.0.0.0 255.0.255.0 - input`,
    '1:26',
    'mask 255.0.255.0 has holes; allowed: ones, then zeros, e.g. 255.255.255.0',
  ],
  [
    'two masks',
    `${MASKS}\ndeny tcp 10.0.0.0/24 24 - any - - input`,
    '1:21',
    'mask "24" is the second; "10.0.0.0/24" has one',
  ],
  [
    'a mask where no address is',
    `${MASKS}\ndeny tcp any 24 - any - - input`,
    '1:13',
    'mask "24" beside "any"; allowed: none there',
  ],
  // Ports.
  [
    'a reversed range',
    `${HEAD}\ndeny tcp any 65535-1025 any - input`,
    '1:13',
    'port range 65535-1025 is upside down; did you mean 1025-65535?',
  ],
  ['port 0', `${HEAD}\ndeny tcp any 0 any - input`, '1:13', `port 0 is out of range; allowed: ${PORTS}`],
  [
    'port 65536',
    `${HEAD}\ndeny tcp any - any 65536 input`,
    '1:19',
    `port 65536 is out of range; allowed: ${PORTS}`,
  ],
  [
    'an end out of range',
    `${HEAD}\ndeny tcp any 1-65536 any - input`,
    '1:13',
    `port 65536 is out of range; allowed: ${PORTS}`,
  ],
  [
    'a service name',
    `${HEAD}\ndeny tcp any ftp any - input`,
    '1:13',
    `"ftp" is no port number; allowed: ${PORTS}`,
  ],
  [
    'a range as iptables has it',
    `${HEAD}\ndeny tcp any 1:9 any - input`,
    '1:13',
    `"1:9" is no port number; allowed: ${PORTS}`,
  ],
  [
    'half a range',
    `${HEAD}\ndeny tcp any 1025- any - input`,
    '1:13',
    `"" is no port number; allowed: ${PORTS}`,
  ],
  [
    'a word that only begins as Network IP does',
    `${HEAD}\ndeny tcp any - network ipsec input`,
    '1:23',
    `"ipsec" is no port number; allowed: ${PORTS}`,
  ],
  [
    'a port without protocol',
    `${HEAD}\ndeny any any - any 21 input`,
    '1:19',
    'port 21 beside type any; ports go with tcp and udp: write -',
  ],
  [
    'a port of ICMP',
    `${HEAD}\ndeny icmp any 8 any - input`,
    '1:14',
    'port 8 beside type icmp; ports go with tcp and udp: write -',
  ],
  // Cells.
  [
    'too many cells',
    `${HEAD.replace(' syn notes', '')}\n${GOOD} - mine`,
    '1:38',
    '"mine" is a cell too many; the header names 7 (remarks need a notes column)',
  ],
  [
    'too many cells between tabs',
    `${TABS}\naccept\ttcp\tany\t21\tany\t22\tinput\t\tmine\t\tmore`,
    '1:38',
    '"more" is a cell too many; the header names 9',
  ],
  [
    'a port left out',
    `${HEAD}\n  deny tcp any network 1025-65535 input`,
    '1:2',
    'the row has 6 cells; wanted: 7 (action, type, from, from port, to, to port, direction), with - for an empty one',
  ],
  [
    'blanks where the header has tabs',
    `${TABS}\n${GOOD}`,
    '1:0',
    'the row has no tabs; the header has, so cells stand between single tabs',
  ],
  [
    'an empty first cell between tabs',
    `${TABS}\n\ttcp\tany\t21\tany\t22\tinput`,
    '1:0',
    'action is empty; allowed: accept, deny',
  ],
  [
    'a row that ends early between tabs',
    `${TABS}\naccept\ttcp\tany\t21\tany\t22`,
    '1:24',
    'direction is empty; allowed: input, output',
  ],
  // Other characters.
  [
    'a dash from a word processor',
    `${HEAD}\ndeny tcp any 1025–65535 any - input`,
    '1:13',
    '"1025?65535" holds U+2013; allowed: ASCII, except in notes',
  ],
  [
    'a character outside the first plane',
    `${HEAD}\ndeny tcp 🔒 - any - input`,
    '1:9',
    '"?" holds U+1F512; allowed: ASCII, except in notes',
  ],
  [
    'what a terminal would obey',
    `${HEAD}\n\u001b[31mdeny tcp any - any - input`,
    '1:0',
    '"?[31mdeny" holds U+001B; allowed: ASCII, except in notes',
  ],
  [
    'a word without end',
    `${HEAD}\n${'x'.repeat(5000)} tcp any - any - input`,
    '1:0',
    `action is "${'x'.repeat(40)}..."; allowed: accept, deny`,
  ],
  // Where rows stand.
  [
    'a place after comments, blank lines and CRLF',
    `# one\r\n\r\n${HEAD}\r\n# two\r\n\r\n   ${GOOD}\r\n \tdrop tcp any - any - input # three\r\n`,
    '6:2',
    'action is "drop"; allowed: accept, deny',
  ],
];

test.each(CASES)('%s', (_, table, place, message) => {
  expect(located(parseTable(table).problems)).toEqual([[place, message]]);
});

test('all problems of all rows are found at once, and good rows are read', () => {
  const { rows, problems } = parseTable(
    `${HEAD}\ndrop gre lan ftp 10.0.0 0 sideways N\n${GOOD}\nreject udp any 1 any 2 input Y\n`,
  );
  expect(located(problems).map(([place]) => place)).toEqual([
    ...['1:0', '1:5', '1:9', '1:13', '1:17', '1:24', '1:26'],
    ...['3:0', '3:29'],
  ]);
  expect(rows.map(({ line }) => line)).toEqual([2]);
});

test('an address and its mask that are not ASCII are both told', () => {
  const { problems } = parseTable(`${MASKS}\ndeny tcp 10.0.0.0\u200b 24\u200b - any - - input`);
  expect(located(problems)).toEqual([
    ['1:9', '"10.0.0.0?" holds U+200B; allowed: ASCII, except in notes'],
    ['1:19', '"24?" holds U+200B; allowed: ASCII, except in notes'],
  ]);
});

test('with a header that cannot be read, its problems are the only ones', () => {
  const { rows, problems } = parseTable(`action kind from port to port way\n${GOOD}\ndrop\n`);
  expect(rows).toEqual([]);
  expect(located(problems)).toEqual([
    ['0:7', `unknown column "kind"; known: ${COLUMNS}`],
    ['0:30', `unknown column "way"; known: ${COLUMNS}`],
    ['0:0', `the header lacks type, direction; wanted: ${WANTED}`],
  ]);
});

test('nftables does not load it, and that is the only problem', () => {
  const text = `# mine\n  ${HEAD}\ndrop gre lan ftp`;
  const { rows, commands, problems } = faqTable.parse(text, { kind: 'nftables', names: {}, firstRow: 1 });
  expect(located(problems)).toEqual([
    ['1:2', 'the FAQ’s table is loaded on kind ipchains or iptables; this firewall is nftables'],
  ]);
  expect([rows, commands]).toEqual([[], []]);
});

test('Network IP without a value', () => {
  const text = `${HEAD}\naccept tcp any - any - input\n${GOOD}`;
  const { commands, problems } = faqTable.parse(text, { kind: 'iptables', names: {}, firstRow: 1 });
  expect(located(problems)).toEqual([
    ['2:0', '"Network IP" has no value here; wanted: a name inside_net, e.g. 10.0.0.0/24'],
  ]);
  expect(commands).toEqual([]);
});

import {
  HEADER,
  quoted,
  readCells,
  readHeader,
  squeezed,
  type Cell,
  type Column,
  type Layout,
} from './layout';
import type { PortRange, RuleProblem } from '../kinds';
import { parseMask, parseNetwork, parsePorts } from '../quantities';
import { ruleLines, type RuleLine } from '../words';

const ACTIONS = ['accept', 'deny'] as const;
const TYPES = ['tcp', 'udp', 'icmp', 'any'] as const;
const DIRECTIONS = ['input', 'output'] as const;
const ENDS = 'Network IP, any, or an address such as 10.0.0.1 or 10.0.0.0/24';

/** Whose packets, or to whom. */
export interface TableEnd {
  /** `network` (the FAQ's "Network IP"), `any`, or an IPv4 address, with its prefix length unless that is 32 */
  readonly address: string;
  /** null: any port */
  readonly ports: PortRange | null;
}

/** One rule of the FAQ's table. Line and column from 0. */
export interface TableRow {
  readonly action: (typeof ACTIONS)[number];
  readonly type: (typeof TYPES)[number];
  readonly from: TableEnd;
  readonly to: TableEnd;
  /** as the outside interface sees the packet */
  readonly direction: (typeof DIRECTIONS)[number];
  /** only packets that open a connection */
  readonly syn: boolean;
  readonly notes: string;
  readonly line: number;
  readonly column: number;
  /** the row as it is written, with single blanks */
  readonly text: string;
}

/** Whether rule text is a table of the FAQ's: its first line that says something is the table's header. */
export function isFaqTable(text: string): boolean {
  return /^action(?!\S)/i.test(ruleLines(text)[0]?.text ?? '');
}

/**
 * Reads the FAQ's own rule table: a header that names the columns
 * (action type from [mask] port to [mask] port direction [syn] [notes]), then one rule a line.
 *
 * Cells stand between blanks, and an empty one is written `-`; when the header has tabs they stand between
 * single tabs and may be really empty. `#` begins a comment. Non-ASCII is for notes only.
 *
 * @returns the rows that can be read, and every problem with its line and column; with a problem in the
 *   header, no rows
 */
export function parseTable(text: string): { rows: TableRow[]; problems: RuleProblem[] } {
  const [header, ...lines] = ruleLines(text);
  if (!header) {
    return { rows: [], problems: [{ line: 0, column: 0, message: `the table is empty; wanted: ${HEADER}` }] };
  }
  const rows: TableRow[] = [];
  const { layout, problems } = readHeader(header);
  if (problems.length > 0) return { rows, problems };
  const raw = layout.tabs ? text.split(/\r\n|\n|\r/) : [];
  for (const line of lines) {
    const read = readRow(layout.tabs ? indented(line, raw[line.line] ?? '') : line, layout);
    problems.push(...read.problems);
    if (read.row) rows.push({ ...read.row, line: line.line, column: line.column, text: squeezed(line.text) });
  }
  return { rows, problems };
}

/** Between tabs, what stands before the first word may be empty cells. */
function indented(line: RuleLine, raw: string): RuleLine {
  return { line: line.line, column: 0, text: `${raw.slice(0, line.column)}${line.text}` };
}

type RowCells = Omit<TableRow, 'line' | 'column' | 'text'>;

function readRow(line: RuleLine, layout: Layout): { row: RowCells | null; problems: RuleProblem[] } {
  const { cells, problems } = readCells(line, layout);
  if (problems.length > 0) return { row: null, problems };
  const reader = new RowReader(line.line, cells);
  const row = reader.read();
  return { row, problems: reader.problems };
}

/** Checks the cells of one row, and collects what is wrong with them. */
class RowReader {
  readonly problems: RuleProblem[] = [];

  constructor(
    private readonly line: number,
    private readonly cells: ReadonlyMap<Column, Cell>,
  ) {}

  /** The row; null when there are problems. */
  read(): RowCells | null {
    const action = this.oneOf('action', ACTIONS);
    const type = this.oneOf('type', TYPES);
    const from = this.end('from', type);
    const to = this.end('to', type);
    const direction = this.oneOf('direction', DIRECTIONS);
    const syn = this.syn(type);
    const notes = this.cell('notes').text;
    if (this.problems.length > 0 || !action || !type || !from || !to || !direction) return null;
    return { action, type, from, to, direction, syn, notes };
  }

  private cell(column: Column): Cell {
    return this.cells.get(column) ?? { text: '', column: 0 };
  }

  private problem(cell: Cell, message: string): null {
    this.problems.push({ line: this.line, column: cell.column, message });
    return null;
  }

  /** Runs a parser of ours and files its complaint under the cell. */
  private attempt<T>(cell: Cell, parse: () => T): T | null {
    try {
      return parse();
    } catch (error) {
      return this.problem(cell, error instanceof Error ? error.message : String(error));
    }
  }

  /** Whether a cell is plain ASCII: a dash or a letter that only looks like one would pass unseen. */
  private plain(cell: Cell): boolean {
    const odd = /[^\x20-\x7e]/u.exec(cell.text)?.[0].codePointAt(0);
    if (odd === undefined) return true;
    const name = `U+${odd.toString(16).toUpperCase().padStart(4, '0')}`;
    this.problem(cell, `${quoted(cell.text)} holds ${name}; allowed: ASCII, except in notes`);
    return false;
  }

  private oneOf<T extends string>(column: Column, allowed: readonly T[]): T | null {
    const cell = this.cell(column);
    if (!this.plain(cell)) return null;
    const found = allowed.find((word) => word === cell.text.toLowerCase());
    if (found !== undefined) return found;
    const is = cell.text === '' ? 'empty' : quoted(cell.text);
    return this.problem(cell, `${column} is ${is}; allowed: ${allowed.join(', ')}`);
  }

  private end(side: 'from' | 'to', type: TableRow['type'] | null): TableEnd | null {
    const address = this.address(side, this.cell(side), this.cell(`${side} mask`));
    const ports = this.ports(this.cell(`${side} port`), type);
    return address === null ? null : { address, ports };
  }

  private address(side: 'from' | 'to', cell: Cell, mask: Cell): string | null {
    if ([cell, mask].filter((each) => !this.plain(each)).length > 0) return null;
    const word = cell.text.toLowerCase();
    if (word === 'any' || word === 'network' || word === 'network ip') {
      if (mask.text === '') return word === 'any' ? 'any' : 'network';
      return this.problem(mask, `mask ${quoted(mask.text)} beside ${quoted(cell.text)}; allowed: none there`);
    }
    if (!/^\d|:/.test(word)) {
      const is = cell.text === '' ? 'empty' : quoted(cell.text);
      return this.problem(cell, `${side} is ${is}; allowed: ${ENDS}`);
    }
    if (mask.text !== '' && word.includes('/')) {
      return this.problem(mask, `mask ${quoted(mask.text)} is the second; ${quoted(cell.text)} has one`);
    }
    const network = this.attempt(cell, () => parseNetwork(word));
    const prefix = mask.text === '' ? network?.prefix : this.attempt(mask, () => parseMask(mask.text));
    if (!network || prefix === undefined || prefix === null) return null;
    return networkText(network.address, prefix);
  }

  private ports(cell: Cell, type: TableRow['type'] | null): PortRange | null {
    if (!this.plain(cell) || cell.text === '' || cell.text.toLowerCase() === 'any') return null;
    const ports = this.attempt(cell, () => parsePorts(cell.text, '-'));
    if (ports && (type === 'icmp' || type === 'any')) {
      return this.problem(cell, `port ${cell.text} beside type ${type}; ports go with tcp and udp: write -`);
    }
    return ports;
  }

  private syn(type: TableRow['type'] | null): boolean {
    const cell = this.cell('syn');
    if (!this.plain(cell) || cell.text === '') return false;
    if (cell.text.toLowerCase() !== 'y') {
      this.problem(cell, `SYN is ${quoted(cell.text)}; allowed: Y, or - for none`);
    } else if (type !== null && type !== 'tcp') {
      this.problem(cell, `SYN beside type ${type}; it goes with tcp: write -`);
    }
    return true;
  }
}

/** One way of writing each network, whatever way the owner chose. */
function networkText(address: string, prefix: number): string {
  // "010" must not become octal in the program that loads it.
  const plain = address.split('.').map(Number).join('.');
  if (prefix === 0) return 'any';
  return prefix === 32 ? plain : `${plain}/${prefix}`;
}

/**
 * A table as text, header first, its columns aligned. Rows as {@link parseTable} gives them are read back
 * the same, but for where they stand.
 */
export function printTable(rows: readonly TableRow[]): string {
  const lines = [
    ['action', 'type', 'from', 'port', 'to', 'port', 'direction', 'syn', 'notes'],
    ...rows.map(({ action, type, from, to, direction, syn, notes }) => [
      ...[action, type, from.address, portsText(from.ports), to.address, portsText(to.ports)],
      ...[direction, syn ? 'Y' : '-', notes],
    ]),
  ];
  const width = (index: number): number =>
    lines.reduce((widest, cells) => Math.max(widest, cells[index]?.length ?? 0), 0);
  // Nothing stands after the notes, so they need no width.
  const widths = Array.from({ length: 8 }, (_, index) => width(index));
  return lines
    .map((cells) => cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function portsText(ports: PortRange | null): string {
  if (!ports) return '-';
  return ports[0] === ports[1] ? String(ports[0]) : `${ports[0]}-${ports[1]}`;
}

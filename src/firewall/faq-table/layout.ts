import type { RuleProblem } from '../kinds';
import type { RuleLine } from '../words';

/** What a cell says. The heading names masks and ports twice; each belongs to the address before it. */
export type Column =
  | 'action'
  | 'type'
  | 'from'
  | 'from mask'
  | 'from port'
  | 'to'
  | 'to mask'
  | 'to port'
  | 'direction'
  | 'syn'
  | 'notes';

/** One cell of a row, `''` when it is empty, and where it begins: column from 0. */
export interface Cell {
  readonly text: string;
  readonly column: number;
}

/** How the rows of a table are to be read, as its header says. */
export interface Layout {
  readonly columns: readonly Column[];
  /** cells stand between single tabs and may be really empty, as in a table copied from a web page */
  readonly tabs: boolean;
}

/** The columns in the FAQ's order, each with its heading. */
const COLUMNS: readonly { readonly heading: string; readonly column: Column; readonly required: boolean }[] =
  [
    { heading: 'action', column: 'action', required: true },
    { heading: 'type', column: 'type', required: true },
    { heading: 'from', column: 'from', required: true },
    { heading: 'mask', column: 'from mask', required: false },
    { heading: 'port', column: 'from port', required: true },
    { heading: 'to', column: 'to', required: true },
    { heading: 'mask', column: 'to mask', required: false },
    { heading: 'port', column: 'to port', required: true },
    { heading: 'direction', column: 'direction', required: true },
    { heading: 'syn', column: 'syn', required: false },
    { heading: 'notes', column: 'notes', required: false },
  ];
const KNOWN = [...new Set(COLUMNS.map(({ heading }) => heading))];
/** The header a table has, optional columns in brackets. */
export const HEADER = COLUMNS.map(({ heading, required }) => (required ? heading : `[${heading}]`)).join(' ');

/** A word of rule text as messages show it: bounded, and without characters a terminal would obey. */
export function quoted(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/gu, '?');
  return `"${plain.length > 40 ? `${plain.slice(0, 40)}...` : plain}"`;
}

/** Reads the header. With any problem the layout is of no use: the rows cannot be told. */
export function readHeader(line: RuleLine): { layout: Layout; problems: RuleProblem[] } {
  const tabs = line.text.includes('\t');
  const headings = (tabs ? betweenTabs(line) : betweenBlanks(line, /(?:from|to)\s+address(?!\S)|\S+/gi)).map(
    ({ text, column }) => ({ text: text.toLowerCase().replace(/^(from|to)\s+address$/, '$1'), column }),
  );
  const problem = ({ column }: Cell, message: string): RuleProblem => ({ line: line.line, column, message });
  const problems = headings
    .filter(({ text }) => !KNOWN.includes(text))
    .map((cell) =>
      problem(
        cell,
        cell.text === ''
          ? `a column has no heading; with tabs in the header, cells stand between single tabs; known: ${KNOWN.join(', ')}`
          : `unknown column ${quoted(cell.text)}; known: ${KNOWN.join(', ')}`,
      ),
    );
  const lacking = lackingHeadings(headings.map(({ text }) => text));
  if (lacking.length > 0) {
    const first = { text: '', column: line.column };
    problems.push(problem(first, `the header lacks ${lacking.join(', ')}; wanted: ${HEADER}`));
  }
  const { columns, misplaced } = inOrder(headings);
  if (problems.length === 0 && misplaced) {
    problems.push(problem(misplaced, `column "${misplaced.text}" is out of order; wanted: ${HEADER}`));
  }
  return { layout: { columns, tabs }, problems };
}

function lackingHeadings(found: readonly string[]): string[] {
  const times = (list: readonly string[], heading: string): number =>
    list.filter((other) => other === heading).length;
  const required = COLUMNS.filter((column) => column.required).map(({ heading }) => heading);
  return [...new Set(required)].flatMap((heading) => {
    const there = times(found, heading);
    if (there >= times(required, heading)) return [];
    return [there === 0 ? heading : `a second ${heading}`];
  });
}

/** The columns the headings name, up to the first that stands where it should not. */
function inOrder(headings: readonly Cell[]): { columns: Column[]; misplaced: Cell | null } {
  const columns: Column[] = [];
  let next = 0;
  for (const cell of headings) {
    while (COLUMNS[next]?.heading !== cell.text && COLUMNS[next]?.required === false) next += 1;
    const column = COLUMNS[next];
    if (column?.heading !== cell.text) return { columns, misplaced: cell };
    columns.push(column.column);
    next += 1;
  }
  return { columns, misplaced: null };
}

/** The cells of a row by their columns; with problems when they cannot be told apart. */
export function readCells(
  line: RuleLine,
  layout: Layout,
): { cells: ReadonlyMap<Column, Cell>; problems: RuleProblem[] } {
  return layout.tabs ? tabbedCells(line, layout) : blankCells(line, layout);
}

type ReadCells = ReturnType<typeof readCells>;

function tabbedCells(line: RuleLine, { columns }: Layout): ReadCells {
  const found = betweenTabs(line);
  const at = (column: number, message: string): ReadCells => ({
    cells: new Map(),
    problems: [{ line: line.line, column, message }],
  });
  if (found.length === 1) {
    return at(line.column, 'the row has no tabs; the header has, so cells stand between single tabs');
  }
  const extra = found.slice(columns.length).find(({ text }) => text !== '');
  if (extra) return at(extra.column, tooMany(extra, columns));
  const end = line.column + line.text.length;
  return {
    cells: new Map(columns.map((column, index) => [column, found[index] ?? { text: '', column: end }])),
    problems: [],
  };
}

/**
 * With blanks between cells, what follows the direction has no fixed width: the SYN cell is there when
 * its word is `Y` or `-`, and all the rest is notes.
 */
function blankCells(line: RuleLine, { columns }: Layout): ReadCells {
  const found = betweenBlanks(line, /network\s+ip(?!\S)|\S+/gi);
  const fixed = columns.filter((column) => column !== 'syn' && column !== 'notes');
  const cells = new Map<Column, Cell>();
  const problems: RuleProblem[] = [];
  const problem = (column: number, message: string): void => {
    problems.push({ line: line.line, column, message });
  };
  if (found.length < fixed.length) {
    problem(
      line.column,
      `the row has ${found.length} cells; wanted: ${fixed.length} (${fixed.join(', ')}), with - for an empty one`,
    );
    return { cells, problems };
  }
  fixed.forEach((column, index) => {
    const cell = found[index];
    if (cell) cells.set(column, cell);
  });
  let rest = found.slice(fixed.length);
  const [syn] = rest;
  if (syn && /^(?:y|)$/i.test(syn.text)) {
    rest = rest.slice(1);
    if (columns.includes('syn')) cells.set('syn', syn);
    else if (syn.text !== '') problem(syn.column, '"Y" has no column; add syn to the header');
  }
  const [notes] = rest;
  if (!notes) return { cells, problems };
  if (columns.includes('notes')) {
    const text = line.text.slice(notes.column - line.column);
    cells.set('notes', { text: withoutDash(squeezed(text)), column: notes.column });
  } else if (columns.includes('syn') && !cells.has('syn')) {
    problem(notes.column, `SYN is ${quoted(notes.text)}; allowed: Y, or - for none`);
  } else if (notes.text !== '') problem(notes.column, tooMany(notes, columns));
  return { cells, problems };
}

function tooMany(cell: Cell, columns: readonly Column[]): string {
  const room = columns.includes('notes') ? '' : ' (remarks need a notes column)';
  return `${quoted(cell.text)} is a cell too many; the header names ${columns.length}${room}`;
}

function betweenTabs({ text, column }: RuleLine): Cell[] {
  let at = column;
  return text.split('\t').map((part) => {
    const cell = {
      text: withoutDash(squeezed(part)),
      column: at + (part.trim() === '' ? 0 : part.length - part.trimStart().length),
    };
    at += part.length + 1;
    return cell;
  });
}

function betweenBlanks({ text, column }: RuleLine, cell: RegExp): Cell[] {
  return [...text.matchAll(cell)].map((match) => ({
    text: withoutDash(squeezed(match[0])),
    column: column + match.index,
  }));
}

/** Text with single blanks only, and none around it. */
export function squeezed(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}

/** `-` is how an empty cell is written. */
function withoutDash(text: string): string {
  return text === '-' ? '' : text;
}

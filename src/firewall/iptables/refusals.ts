import type { Complained } from './hints';
import { hintFor } from './hints';
import { MARK } from './identity';
import { readRule } from './rule';
import { readWords, type RuleWord } from './words';
import type { Ruleset } from '../kinds';

/** A row iptables-restore refuses, in its words; column from 0 in the row's text, 0 when it names no word. */
export interface RefusedRow {
  readonly row: number;
  readonly message: string;
  readonly column: number;
}

/**
 * Reads what iptables-restore 1.8.9 says of lines it refuses, in its nft and legacy variants, and says what
 * to write instead where that is certain. Legacy leaves most to the kernel, which gives no reason, and then
 * names the line of COMMIT, which is no row's: only rows whose target is misplaced are found then.
 *
 * Host names are iptables' to resolve. Without a route it gives up at once; where the name server does not
 * answer, the resolver tries for some seconds, and the first name not found ends the loading.
 */
export function refusedRows(stderr: string, ruleset: Ruleset): RefusedRow[] {
  const lines = ruleset.text.split('\n');
  return complaints(stderr).flatMap((complaint) => {
    const atCommit = lines[complaint.line - 1] === 'COMMIT';
    return rowsOf(complaint, atCommit, lines, ruleset).flatMap((at) => {
      const named = valueMeant(complaint.message, at.words) ?? namedIn(complaint.message);
      const hint = hintFor({ ...complaint, ...at, named });
      if (atCommit && complaint.byKernel && !hint) return [];
      const message = hint ? `${complaint.message}; ${hint.text}` : complaint.message;
      return [{ row: at.row, message, column: columnIn(at, hint?.word ?? named) }];
    });
  });
}

interface Complaint {
  readonly line: number;
  readonly message: string;
  /** it is the kernel's refusal, which names nothing */
  readonly byKernel: boolean;
}

function complaints(stderr: string): Complaint[] {
  const found: Complaint[] = [];
  let said: string[] = [];
  for (const text of stderr.split('\n').map((each) => each.trim())) {
    const usage = /^Error occurred at line: (\d+)$/.exec(text);
    const kernel = /^line (\d+): \w+ failed \((.*)\)/.exec(text);
    const plain = /^iptables[\w-]*: line (\d+) failed(?:: (.*?))?\.?$/.exec(text);
    const line = Number((usage ?? kernel ?? plain)?.[1]);
    if (usage) found.push({ line, message: said.join(' '), byKernel: false });
    else if (kernel ?? plain) {
      const reason = kernel ? `the kernel refuses it: ${kernel[2] ?? ''}` : (plain?.[2] ?? 'no reason given');
      found.push({ line, message: [...said, reason].join(' '), byKernel: plain?.[2] === undefined });
    } else said = heard(said, text);
    if (usage ?? kernel ?? plain) said = [];
  }
  return found;
}

const PROGRAM = /^iptables[\w-]* v[\d.]+ \(\w+\): ?/;

/** With its name the program begins a complaint. What it warned of before is of other rows, but for what the kernel lacks. */
function heard(said: readonly string[], text: string): string[] {
  const before = PROGRAM.test(text) ? said.filter((each) => each.startsWith('Warning: Extension')) : said;
  const words = text.startsWith('Try `') ? '' : text.replace(PROGRAM, '');
  return words === '' ? [...before] : [...before, words];
}

/** Where a message names its word without quotes. */
const BARE = /(?:Can't use|cannot have ! before|multiple|the use of|^Set) (\S+)|^(!)|following (!)/;

/** Messages that name nothing, and the flags whose value they mean. */
const VALUE_OF: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:invalid portrange|too many ports)/, /^--(?:sport|dport|port|source-port|destination-port)s?$/],
  [/^multiport needs/, /^(?:-m|--match)$/],
  [/^(?:Invalid address format|Invalid port:port|Need TCP, UDP)/, /^--to-/],
  [/^Invalid MAC/, /^--mac-source$/],
  [/^getaddrinfo/, /^--ct(?:orig|repl)(?:src|dst)$/],
];

/** The word a message names. iptables opens a quote with any of ` ' " and may close it with another. */
function namedIn(message: string): string | null {
  const [, ...bare] = BARE.exec(message) ?? [];
  return bare.find(Boolean) ?? /[`"']([^`"'\s][^`"']*)['"]/.exec(message)?.[1] ?? null;
}

function valueMeant(message: string, words: readonly string[]): string | undefined {
  const flag = VALUE_OF.find(([said]) => said.test(message))?.[1];
  return words.find((_, at) => flag?.test(words[at - 1] ?? ''));
}

/** A line that is a row: its place, and the words behind its mark, which are the author's own. */
interface RowLine extends Pick<Complained, 'table' | 'chain' | 'words' | 'jumpsTo' | 'chains'> {
  readonly row: number;
  /** the words, as one text */
  readonly rule: string;
  /** the column in the row's own text of a place in that */
  readonly columnOf: (at: number) => number;
}

/** The rows a complaint is of. */
function rowsOf(
  { line, message, byKernel }: Complaint,
  atCommit: boolean,
  lines: readonly string[],
  { rowLines }: Ruleset,
): RowLine[] {
  const within = (from: number, to: number): RowLine[] =>
    rowLines.flatMap((each) => (each.line >= from && each.line <= to ? rowLine(each, lines) : []));
  if (!atCommit) return within(line, line);
  // What is found out at the end may be of any row of the block.
  const block = within(lines.lastIndexOf('COMMIT', line - 2) + 1, line);
  if (byKernel) return block;
  // iptables-nft takes a target it does not know for a chain, and looks for that at the end.
  const missing = /^Chain '(.*)' does not exist$/.exec(message)?.[1];
  return block.filter(({ jumpsTo, words }) => jumpsTo === missing || joinedWith(missing, words));
}

/** A flag and its value in one word: iptables takes all of it for the value. */
function joinedWith(missing: string | undefined, words: readonly string[]): boolean {
  return missing?.startsWith('-') === true && words.includes(missing);
}

function rowLine(place: Ruleset['rowLines'][number], lines: readonly string[]): RowLine[] {
  const text = lines[place.line - 1] ?? '';
  const mark = MARK.exec(text);
  if (!mark) return [];
  const start = mark.index + mark[0].length + 1;
  const words = readWords({ line: 0, column: start, text: text.slice(start) }, {}, () => undefined);
  const [, chain = ''] = text.split(' ');
  return [
    {
      ...{ row: place.row, rule: text.slice(start), chain, ...tableAt(place.line, lines) },
      ...{ words: words.map((word) => word.text), jumpsTo: readRule(words).jumpsTo },
      columnOf: (at) => ownColumn(start + at, words, place),
    },
  ];
}

/** Where a column of the line is in the row's own text: names, quotes and what the program is told are other there. */
function ownColumn(
  column: number,
  words: readonly RuleWord[],
  { columns, indent }: Ruleset['rowLines'][number],
): number {
  const at = words.findLastIndex((word) => word.column <= column);
  const [word, next] = words.slice(at, at + 2);
  const [own, ownNext = own] = columns?.slice(at, at + 2) ?? [];
  if (!word || own === undefined || ownNext === undefined) return column - indent;
  const isAsWritten = !next || next.column - word.column === ownNext - own;
  return isAsWritten ? own + column - word.column : own;
}

/** The table a line (from 1) is in, and the author's chains made there before. */
function tableAt(line: number, lines: readonly string[]): { table: string; chains: string[] } {
  const before = lines.slice(0, line);
  const table = before.findLast((text) => text.startsWith('*'))?.slice(1) ?? '';
  let open = '';
  const chains = before.flatMap((text) => {
    if (text.startsWith('*')) open = text.slice(1);
    return open === table && text.startsWith('-N ') ? [text.slice(3)] : [];
  });
  return { table, chains };
}

function columnIn({ rule, columnOf }: RowLine, named: string | null): number {
  if (named === null) return 0;
  const word = named.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // A word, part of a list or a pair, or whatever is there.
  const at = [`(?<!\\S)${word}(?!\\S)`, `(?<![\\w.-])${word}(?![\\w.-])`, word]
    .map((pattern) => rule.search(new RegExp(pattern)))
    .find((found) => found >= 0);
  return at === undefined ? 0 : columnOf(at);
}

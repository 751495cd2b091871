import type { RuleLine, Word } from '../words';

/** A word of a line, with the characters it was written in, so that the line can be put together again. */
export interface RuleWord extends Word {
  /** as written: quotes and escapes included */
  readonly raw: string;
  /** the blanks after it */
  readonly gap: string;
  readonly quoted: boolean;
}

/** Takes note of what is wrong at a column (from 0) of the line being read. */
export type Complain = (column: number, message: string) => void;

/** What word processors make of the characters a rule is written in. */
const LOOKALIKES: Readonly<Record<string, string>> = { '–': '-', '—': '-', '“': '"', '”': '"', '’': "'" };

/** Flags whose value is prose: `$` and quotes mean nothing special in it. */
const PROSE = ['--comment', '--log-prefix', '--nflog-prefix', '--ulog-prefix', '--string'];

/** Whether the value of this flag is prose. */
export function isProse(flag: RuleWord | undefined): boolean {
  return PROSE.includes(flag?.text ?? '');
}

/**
 * The words of a line with their `$names` replaced. Unlike {@link words} it knows the backslash inside
 * double quotes, which iptables-save writes into comments (xtables_save_string).
 *
 * @returns none when a quote or a character made the line unreadable; that has been complained of
 */
export function readWords(
  line: RuleLine,
  names: Readonly<Record<string, string>>,
  complain: Complain,
): RuleWord[] {
  const found: RuleWord[] = [];
  let refused = 0;
  const refuse: Complain = (column, message) => {
    refused += 1;
    complain(column, message);
  };
  for (const word of split(line, refuse)) {
    const prose = isProse(found.at(-1));
    refuseNonAscii(word, word.quoted && found.at(-1)?.text === '--comment', refuse);
    if (word.raw === '\\') {
      complain(word.column, '"\\" continues a line in a shell; write the rule on one line');
      continue;
    }
    found.push(prose ? word : withNames(word, names, complain));
  }
  return refused === 0 ? found : [];
}

/** The line in iptables-restore's writing: it knows double quotes only, with backslashes inside. */
export function render(words: readonly RuleWord[]): string {
  return words
    .map((word) => (isPlain(word) ? word.raw : quoteWord(word.text)) + word.gap)
    .join('')
    .trimEnd();
}

/** The line as its owner wrote it. */
export function written(words: readonly RuleWord[]): string {
  return words
    .map((word) => word.raw + word.gap)
    .join('')
    .trimEnd();
}

function isPlain(word: RuleWord): boolean {
  return word.raw === word.text || (word.quoted && !word.raw.includes("'") && !word.raw.includes('$'));
}

function quoteWord(text: string): string {
  // Neither a comment nor an option, whatever it begins with.
  return /^[^\s"'\\#-][^\s"'\\]*$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A quoted part or a run of other characters; in double quotes a backslash takes the next one literally. */
const PART = /"((?:[^"\\]|\\.)*)"|'([^']*)'|([^ \t"']+)/y;
const GAP = /[ \t]*/y;

function split(line: RuleLine, complain: Complain): RuleWord[] {
  const found: RuleWord[] = [];
  let at = 0;
  while (at < line.text.length) {
    const word = wordAt(line.text, at);
    const column = line.column + at;
    if (word.open !== null) {
      complain(line.column + word.open, `the quote ${line.text[word.open] ?? ''} is never closed`);
    }
    GAP.lastIndex = word.end;
    const gap = GAP.exec(line.text)?.[0] ?? '';
    found.push({ text: word.text, column, raw: line.text.slice(at, word.end), gap, quoted: word.quoted });
    at = word.end + gap.length;
  }
  return found;
}

interface Scanned {
  readonly text: string;
  readonly end: number;
  readonly quoted: boolean;
  /** where a quote begins that is never closed; the rest of the line is the word then */
  readonly open: number | null;
}

function wordAt(line: string, start: number): Scanned {
  let text = '';
  let quoted = false;
  let at = start;
  while (at < line.length && line[at] !== ' ' && line[at] !== '\t') {
    PART.lastIndex = at;
    const match = PART.exec(line);
    if (!match) return { text: text + line.slice(at + 1), end: line.length, quoted: true, open: at };
    const [all, double, single, bare] = match;
    quoted ||= bare === undefined;
    text += double?.replace(/\\(.)/g, '$1') ?? single ?? bare ?? '';
    at += all.length;
  }
  return { text, end: at, quoted, open: null };
}

function refuseNonAscii(word: RuleWord, isComment: boolean, complain: Complain): void {
  const at = isComment ? -1 : word.raw.search(/[^\t\x20-\x7e]/);
  if (at < 0) return;
  const character = String.fromCodePoint(word.raw.codePointAt(at) ?? 0);
  const meant = LOOKALIKES[character];
  const hint = meant === undefined ? 'only a quoted --comment may have such' : `did you mean ${meant} ?`;
  complain(word.column + at, `"${character}" is not ASCII; ${hint}`);
}

function withNames(word: RuleWord, names: Readonly<Record<string, string>>, complain: Complain): RuleWord {
  if (!word.text.includes('$')) return word;
  const text = word.text.replace(/\$(\w*)/g, (all, name: string, at: number) => {
    if (Object.hasOwn(names, name)) return names[name] ?? '';
    const known = Object.keys(names).map((each) => `$${each}`);
    complain(
      word.column + at,
      `unknown name "${all}"; known: ${known.length > 0 ? known.join(', ') : 'none here'}`,
    );
    return all;
  });
  return { ...word, text };
}

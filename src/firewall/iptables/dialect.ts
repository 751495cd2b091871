import { Commands, applyPolicy, newChain, readCommand } from './commands';
import type { TableName } from './tables';
import { CHAINS, TABLES } from './tables';
import type { Complain, RuleWord } from './words';
import { readWords, written } from './words';
import type { Writing } from './writing';
import {
  WRITINGS,
  isCounters,
  isProgram,
  isTableFlag,
  knownTable,
  noCommand,
  programWords,
  unknownTable,
  writingOf,
} from './writing';
import type { Dialect, DialectContext, ParsedRules, RuleProblem } from '../kinds';
import type { RuleLine } from '../words';
import { ruleLines } from '../words';

export { printIptables } from './print';
export { readIptablesCounters } from './readback';
export { refusedRows } from './refusals';
export { iptablesRuleset } from './ruleset';

/**
 * iptables, in either of its two writings: commands as typed (iptables(8)), or what iptables-save
 * prints (iptables-restore(8)).
 */
export const iptables: Dialect = {
  parse(text: string, context: DialectContext): ParsedRules {
    const lines = ruleLines(text);
    if (context.kind !== 'iptables') return wrongKind(lines[0], context);
    const reader = new Reader(context);
    return reader.read(lines);
  },
};

function wrongKind(first: RuleLine | undefined, context: DialectContext): ParsedRules {
  const message = `these are iptables rules; they load on kind: iptables, and found is kind: ${context.kind}`;
  const at = { line: first?.line ?? 0, column: first?.column ?? 0 };
  return { rows: [], commands: [], problems: [{ ...at, message }], policy: null, translates: false };
}

/** A line with its words, none when it could not be read. */
interface WordedLine extends RuleLine {
  readonly words: readonly RuleWord[];
  readonly writing: Writing;
  readonly complain: Complain;
}

class Reader {
  private readonly problems: RuleProblem[] = [];
  private readonly found: Commands;
  /** how the text as a whole is written: as the first line that tells */
  private writing: Writing = 'either';
  /** the table of iptables-save text being read (name null: an unknown one); null: outside of any */
  private table: { readonly name: TableName | null; readonly line: RuleLine } | null = null;
  private readonly tables = new Set<string>();

  constructor(private readonly context: DialectContext) {
    this.found = new Commands(context.firstRow);
  }

  read(lines: readonly RuleLine[]): ParsedRules {
    const worded = lines.map((line) => this.worded(line)).filter(({ words }) => words.length > 0);
    this.noteWriting(worded);
    for (const line of worded) this.readLine(line);
    if (this.table) this.complainOfNoCommit(this.table.line);
    const { rows, commands, policy } = this.found;
    const translates = commands.some(({ table, row }) => table === 'nat' && row !== null);
    // Words are read before commands, and commands before the rule as a whole; the reader goes by lines.
    const problems = [...this.problems].sort((a, b) => a.line - b.line || a.column - b.column);
    return { rows, commands, problems, policy, translates };
  }

  private worded(line: RuleLine): WordedLine {
    const complain: Complain = (column, message) => {
      this.problems.push({ line: line.line, column, message });
    };
    const words = readWords(line, this.context.names, complain);
    return { ...line, words, writing: writingOf(words), complain };
  }

  private noteWriting(lines: readonly WordedLine[]): void {
    const telling = lines.filter(({ writing }) => writing !== 'either');
    const [first] = telling;
    if (!first) return;
    this.writing = first.writing;
    const other = telling.find(({ writing }) => writing !== first.writing);
    other?.complain(
      other.column,
      `this is ${WRITINGS[other.writing]}, and line ${first.line + 1} is ${WRITINGS[first.writing]}; allowed: one of the two throughout`,
    );
  }

  private readLine(line: WordedLine): void {
    const [first] = line.words;
    if (!first) return;
    if (line.text.startsWith('*')) this.openTable(first, line);
    else if (line.text.startsWith(':')) this.declareChain(line);
    else if (line.text === 'COMMIT') this.commit(first, line);
    else this.readCommand(line);
  }

  private openTable(word: RuleWord, line: WordedLine): void {
    if (this.table) this.complainOfNoCommit(this.table.line);
    const written = word.text.slice(1);
    const name = knownTable(written);
    if (name === null) line.complain(word.column + 1, unknownTable(written));
    else if (this.tables.has(name)) {
      line.complain(word.column, `*${name} stands twice; iptables-restore would forget the first`);
    }
    this.table = { name, line };
    this.tables.add(written);
  }

  private complainOfNoCommit({ line, column, text }: RuleLine): void {
    const message = `${text} has no COMMIT; without it iptables-restore loads nothing of it`;
    this.problems.push({ line, column, message });
  }

  private commit(word: RuleWord, { complain }: WordedLine): void {
    if (!this.table) complain(word.column, 'COMMIT without a table; one begins e.g. with *filter');
    this.table = null;
  }

  /** `:FORWARD DROP [0:0]` or `:mine - [0:0]` */
  private declareChain(line: WordedLine): void {
    const { words, complain, text, column } = line;
    const [first, policy, counters, more] = words;
    if (!first || !policy) {
      complain(column, `"${text}" has no policy; allowed: e.g. :FORWARD DROP [0:0] or :mine - [0:0]`);
      return;
    }
    const extra = counters && !isCounters(counters.text) ? counters : more;
    if (extra) complain(extra.column, `"${extra.text}" is no counters; allowed: e.g. [0:0]`);
    const chain = { ...first, text: first.text.slice(1), column: first.column + 1 };
    const table = this.tableNow(line);
    if (table === null) return;
    const command = { line: line.line, table, words, text, column, complain };
    const builtIn = CHAINS[table].includes(chain.text);
    if (policy.text === '-') {
      if (!builtIn) newChain(command, chain, this.found);
    } else if (builtIn) applyPolicy(command, chain.text, policy, this.found);
    else {
      const allowed = `a policy is for ${CHAINS[table].join(', ')}, and a chain of your own has "-"`;
      complain(chain.column, `"${chain.text}" is not built into table ${table}; ${allowed}`);
    }
  }

  /** The table iptables-save text is in; null when there is none, or none we know. */
  private tableNow({ column, complain }: WordedLine): TableName | null {
    if (!this.table) complain(column, 'this stands outside of a table; one begins e.g. with *filter');
    return this.table?.name ?? null;
  }

  private readCommand(line: WordedLine): void {
    const { words: all, complain } = line;
    const skipped = isProgram(all[0]?.text ?? '') || isCounters(all[0]?.text ?? '') ? 1 : 0;
    const own = all.slice(skipped);
    const [begin] = own;
    if (!begin) {
      complain(line.column, 'a line with no command; allowed: e.g. -A FORWARD -p tcp --dport 21 -j ACCEPT');
    } else if (!begin.text.startsWith('-')) {
      complain(begin.column, noCommand(begin.text));
    } else {
      const { table, words } = this.withoutProgramFlags(own, line);
      if (table === null) return;
      if (words.length === 0) complain(begin.column, 'a table, and no command; allowed: e.g. -A FORWARD');
      const place = { line: line.line, text: written(own), column: begin.column };
      readCommand({ ...place, table, words, complain }, this.found);
    }
  }

  /** Takes out `-t TABLE`, and what only the program itself is told. */
  private withoutProgramFlags(
    own: readonly RuleWord[],
    line: WordedLine,
  ): { table: TableName | null; words: readonly RuleWord[] } {
    const saved = line.writing === 'saved' || (line.writing === 'either' && this.writing === 'saved');
    let table = saved ? this.tableNow(line) : 'filter';
    const words: RuleWord[] = [];
    for (let at = 0; at < own.length; at += 1) {
      const word = own[at];
      const next = own[at + 1];
      if (!word) break;
      if (isTableFlag(word, own[at - 1])) {
        at += 1;
        table = next ? knownTable(next.text) : null;
        if (!next) line.complain(word.column, `${word.text} needs a table; allowed: ${TABLES.join(', ')}`);
        else if (table === null) line.complain(next.column, unknownTable(next.text));
        continue;
      }
      const told = programWords(own, at);
      if (told === 0) words.push(word);
      else at += told - 1;
    }
    return { table, words };
  }
}

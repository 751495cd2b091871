import { distance } from 'fastest-levenshtein';
import type { Word } from '../words';

/** The flags of ipchains 1.3.9, by what they do (ipchains.c, opts and the string given to getopt_long). */
const FLAGS = [
  { name: 'append', short: 'A', long: ['append'], takes: 'value' },
  { name: 'delete', short: 'D', long: ['delete'], takes: 'value' },
  { name: 'insert', short: 'I', long: ['insert'], takes: 'value' },
  { name: 'replace', short: 'R', long: ['replace'], takes: 'value' },
  { name: 'list', short: 'L', long: ['list'], takes: 'perhaps' },
  { name: 'flush', short: 'F', long: ['flush'], takes: 'perhaps' },
  { name: 'zero', short: 'Z', long: ['zero'], takes: 'perhaps' },
  { name: 'check', short: 'C', long: ['check'], takes: 'value' },
  { name: 'new-chain', short: 'N', long: ['new-chain'], takes: 'value' },
  { name: 'delete-chain', short: 'X', long: ['delete-chain'], takes: 'perhaps' },
  { name: 'policy', short: 'P', long: ['policy'], takes: 'value' },
  { name: 'masquerading', short: 'M', long: ['masquerading'], takes: 'nothing' },
  { name: 'timeouts', short: 'S', long: ['set'], takes: 'value' },
  { name: 'bidirectional', short: 'b', long: ['bidirectional'], takes: 'nothing' },
  { name: 'source', short: 's', long: ['source', 'src'], takes: 'value' },
  { name: 'destination', short: 'd', long: ['destination', 'dst'], takes: 'value' },
  { name: 'source-port', short: '', long: ['source-port', 'sport', 'icmp-type'], takes: 'value' },
  { name: 'destination-port', short: '', long: ['destination-port', 'dport'], takes: 'value' },
  { name: 'protocol', short: 'p', long: ['protocol'], takes: 'value' },
  { name: 'interface', short: 'i', long: ['interface'], takes: 'value' },
  { name: 'jump', short: 'j', long: ['jump'], takes: 'value' },
  { name: 'tos', short: 't', long: ['TOS'], takes: 'value' },
  { name: 'mark', short: 'm', long: ['mark'], takes: 'value' },
  { name: 'numeric', short: 'n', long: ['numeric'], takes: 'nothing' },
  { name: 'log', short: 'l', long: ['log'], takes: 'nothing' },
  { name: 'output', short: 'o', long: ['output'], takes: 'perhaps' },
  { name: 'verbose', short: 'v', long: ['verbose'], takes: 'nothing' },
  { name: 'exact', short: 'x', long: ['exact'], takes: 'nothing' },
  { name: 'fragment', short: 'f', long: ['fragments'], takes: 'nothing' },
  { name: 'syn', short: 'y', long: ['syn'], takes: 'nothing' },
  { name: 'line-numbers', short: '', long: ['line-numbers'], takes: 'nothing' },
  { name: 'no-warnings', short: '', long: ['no-warnings'], takes: 'nothing' },
  { name: 'version', short: 'V', long: ['version'], takes: 'nothing' },
  { name: 'help', short: 'h', long: ['help'], takes: 'perhaps' },
] as const;

type Flag = (typeof FLAGS)[number];
export type FlagName = Flag['name'];

/** Flags that came with iptables, and what its readers do here instead. */
const IPTABLES: Readonly<Record<string, string>> = {
  '--state': 'rules here see one packet at a time; -y tells those that open a connection',
  '--ctstate': 'rules here see one packet at a time; -y tells those that open a connection',
  '--match': 'what a rule here can match needs no module',
  '--table': 'there is one table here; translation is -j MASQ in the chain forward',
  '--dports': 'one port or range a rule here',
  '--sports': 'one port or range a rule here',
  '--multiport': 'one port or range a rule here',
  '--in-interface': 'here it is -i',
  '--out-interface': 'here it is -i in the chains forward and output',
  '--tcp-flags': 'here -y tells packets that open a connection',
  '--to': 'port forwarding here is not a rule',
  '--to-destination': 'port forwarding here is not a rule',
  '--to-source': 'translation here is -j MASQ in the chain forward',
  '--to-ports': 'here the port stands after -j REDIRECT',
  '--reject-with': 'REJECT here answers with ICMP port unreachable',
  '--log-prefix': 'here -l logs, without a prefix',
  '--log-level': 'here -l logs, without a level',
  '--limit': 'rules here have no rates',
  '--set-mark': 'here it is -m',
  '--rename-chain': 'chains here keep their names',
  '-E': 'chains here keep their names',
};

/** One use of a flag. */
export interface FlagUse {
  readonly name: FlagName;
  /** as written, e.g. `-s` or `--source` */
  readonly written: string;
  readonly column: number;
  /** the `!` before it */
  readonly not: boolean;
  /** what belongs to it by getopt's rules; null: nothing does */
  readonly value: Word | null;
}

export type Report = (column: number, message: string) => void;

/**
 * Goes through the words of a command as getopt_long does: short flags may share a dash, a value may follow
 * its flag without a blank, long flags may be shortened as long as they stay unique.
 */
export class Arguments {
  readonly #words: readonly Word[];
  readonly #report: Report;
  #at = 0;
  /** short flags still to come from a word such as `-yl` */
  #cluster: Word | null = null;

  constructor(words: readonly Word[], report: Report) {
    this.#words = words;
    this.#report = report;
  }

  /** The next word if it is neither flag nor `!`; ipchains takes ports and rule numbers that way. */
  loose(): Word | null {
    const word = this.#words[this.#at];
    if (this.#cluster || !word || /^[-!]/.test(word.text)) return null;
    this.#at += 1;
    return word;
  }

  /** A word that is the lone `!`, with something other than a flag after it. */
  bang(): boolean {
    const [word, next] = this.#words.slice(this.#at, this.#at + 2);
    if (this.#cluster || word?.text !== '!' || !next || /^[-!]/.test(next.text)) return false;
    this.#at += 1;
    return true;
  }

  /** A number, even a negative one, which no flag is. */
  number(): Word | null {
    const word = this.#words[this.#at];
    if (!word || !/^-?\d/.test(word.text)) return this.loose();
    this.#at += 1;
    return word;
  }

  /** The next flag that ipchains knows; all other words are reported. null: the line is at its end. */
  next(): FlagUse | null {
    let not: Word | null = null;
    for (;;) {
      const word = this.#cluster ?? this.#words[this.#at++];
      if (!word) {
        if (not) this.#report(not.column, '"!" stands before what it turns round; nothing follows it');
        return null;
      }
      if (word.text === '!' && !this.#cluster) {
        if (not) this.#report(word.column, 'one "!" is enough');
        not = word;
        continue;
      }
      const flag = this.#cluster ? this.#short(word) : this.#flag(word);
      if (flag?.not && not) this.#report(not.column, 'one "!" is enough');
      if (flag) return { ...flag, not: flag.not || not !== null };
      not = null;
    }
  }

  #flag(word: Word): FlagUse | null {
    if (word.text.startsWith('--') && word.text.length > 2) return this.#long(word);
    if (/^-[^-]/.test(word.text)) return this.#short({ text: word.text.slice(1), column: word.column + 1 });
    this.#report(
      word.column,
      word.text.startsWith('!')
        ? needsBlank(word)
        : `"${word.text}" belongs to no flag; one command a line, its flags begin with "-"`,
    );
    return null;
  }

  #short(word: Word): FlagUse | null {
    const letter = word.text.slice(0, 1);
    const rest = { text: word.text.slice(1), column: word.column + 1 };
    this.#cluster = null;
    const written = `-${letter}`;
    // A dash of its own stands one column before the letter; letters that share one have only themselves.
    const column = this.#words[this.#at - 1]?.column === word.column - 1 ? word.column - 1 : word.column;
    const flag = FLAGS.find(({ short }) => short === letter);
    if (!flag) return this.#unknown(written, column);
    if (flag.takes === 'nothing') {
      if (rest.text !== '') this.#cluster = rest;
      return { name: flag.name, written, column, not: false, value: null };
    }
    return this.#withValue(flag, { written, column }, rest.text === '' ? null : rest);
  }

  #long(word: Word): FlagUse | null {
    const [name = '', ...value] = word.text.slice(2).split('=');
    const written = `--${name}`;
    const at = { written, column: word.column };
    const exact = FLAGS.filter(({ long }) => long.some((known) => known === name));
    const found = exact.length > 0 ? exact : FLAGS.filter((flag) => longNames(flag, name).length > 0);
    const [flag, other] = found;
    if (!flag || IPTABLES[written] !== undefined) return this.#unknown(written, word.column);
    if (other) {
      const all = found.flatMap((one) => longNames(one, name)).map((long) => `--${long}`);
      this.#report(word.column, `${written} may be ${all.join(' or ')}; write it out`);
      this.#skipLoose();
      return null;
    }
    const attached =
      value.length === 0 ? null : { text: value.join('='), column: word.column + written.length + 1 };
    if (flag.takes !== 'nothing') return this.#withValue(flag, at, attached);
    if (attached) this.#report(attached.column, `${written} takes no value; found "${attached.text}"`);
    return { name: flag.name, ...at, not: false, value: null };
  }

  #withValue(
    flag: Flag,
    at: { readonly written: string; readonly column: number },
    attached: Word | null,
  ): FlagUse | null {
    if (attached) return { name: flag.name, ...at, not: false, value: attached };
    if (flag.takes === 'perhaps') return { name: flag.name, ...at, not: false, value: this.loose() };
    const not = this.#words[this.#at]?.text === '!';
    if (not) this.#at += 1;
    const word = this.#words[this.#at];
    // getopt would take the next flag for the value; nobody means that. A sign before a number is meant.
    if (!word || /^-(?!\d)/.test(word.text)) {
      this.#report(at.column, `${at.written} needs a value${word ? `; found ${word.text}` : ''}`);
      return null;
    }
    this.#at += 1;
    if (word.text.startsWith('!')) {
      this.#report(word.column, needsBlank(word));
      return null;
    }
    return { name: flag.name, ...at, not, value: word };
  }

  #unknown(written: string, column: number): null {
    const hint = IPTABLES[written];
    const near = nearest(written);
    this.#report(
      column,
      hint === undefined
        ? `unknown flag ${written}${near === null ? '' : `; did you mean ${near}?`}`
        : `${written} is not in ipchains, it came with iptables; ${hint}`,
    );
    this.#skipLoose();
    return null;
  }

  /** What follows a flag that is not understood belongs to it. */
  #skipLoose(): void {
    while (this.loose());
  }
}

function needsBlank({ text }: Word): string {
  return text === '!' ? 'one "!" is enough' : `"${text}" needs a blank; allowed: ! ${text.slice(1)}`;
}

function longNames(flag: Flag, start: string): string[] {
  return flag.long.filter((name) => name.startsWith(start));
}

function nearest(written: string): string | null {
  const all = written.startsWith('--')
    ? FLAGS.flatMap(({ long }) => long.map((name) => `--${name}`))
    : FLAGS.flatMap(({ short }) =>
        short.toLowerCase() === written.slice(1).toLowerCase() ? [`-${short}`] : [],
      );
  const [best] = all.sort((a, b) => distance(a, written) - distance(b, written));
  return best !== undefined && distance(best, written) <= 3 ? best : null;
}

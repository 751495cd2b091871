import { closest } from 'fastest-levenshtein';
import { unknownFlag, unknownTarget } from './hints';
import { checkPlaces } from './places';
import type { Place, Reading } from './reading';
import { flaws } from './values';
import type { Options, ValueKind } from './vocabulary';
import { CORE, CORE_ALIASES, MODULES, PROTOCOLS, PROTOCOL_NUMBERS, TARGETS } from './vocabulary';
import type { Complain, RuleWord } from './words';
import { hasUnknownName } from './words';

/** What the text needs to know about a rule. */
export interface RuleFacts {
  readonly stops: boolean;
  readonly jumpsTo: string | null;
  readonly copies: number;
}

/**
 * Reads what follows the chain in -A, -I, -R and -D, and complains of all that is wrong with it.
 * Flags stand after what they belong to, as in iptables itself, which reads from left to right.
 */
export function readRule(words: readonly RuleWord[], place: Place, complain: Complain): RuleFacts {
  const reading: Reading = {
    place,
    complain,
    core: new Map(),
    protocol: null,
    stated: '',
    modules: new Map(),
    natPort: null,
    foreign: false,
    copies: 1,
  };
  let at = 0;
  while (at < words.length) at = readFlag(words, at, reading);
  checkPlaces(reading);
  const target = (reading.core.get('-j') ?? reading.core.get('-g'))?.text ?? null;
  return { stops: target === 'DROP' || target === 'REJECT', jumpsTo: target, copies: reading.copies };
}

/** Reads a flag with its values; returns where the next one begins. */
function readFlag(words: readonly RuleWord[], start: number, reading: Reading): number {
  const negated = words[start]?.text === '!';
  const at = negated ? start + 1 : start;
  const word = words[at];
  if (!word?.text.startsWith('-')) {
    const found = word ?? words[start];
    if (found) reading.complain(found.column, unexpected(found, negated));
    return at + 1;
  }
  const { flag, glued } = spelled(word, reading);
  const kinds = options(flag, reading);
  if (kinds === undefined) {
    if (!reading.foreign || ipchainsOnly(flag)) {
      reading.complain(word.column, unknownFlag(flag, reading.stated));
    }
    return pastValues(words, at + 1);
  }
  return readValues(words, at, { flag, kinds, glued, negated }, reading);
}

interface Flag {
  readonly flag: string;
  readonly kinds: readonly ValueKind[];
  /** the value of `--dport=21` */
  readonly glued: RuleWord | null;
  readonly negated: boolean;
}

function readValues(words: readonly RuleWord[], start: number, read: Flag, reading: Reading): number {
  const owner = words[start];
  let at = start + 1;
  for (const kind of read.kinds) {
    let value = read.glued ?? words[at];
    if (value?.text === '!' && !value.quoted && read.glued === null) {
      reading.complain(value.column, `"!" stands before its flag; write ! ${read.flag}`);
      value = words[(at += 1)];
    }
    if (!value || (!value.quoted && /^-\D/.test(value.text))) {
      const found = value ? `; found "${value.text}"` : '';
      if (owner) reading.complain(owner.column, `${read.flag} needs a value${found}`);
      return at;
    }
    readValue(kind, value, read, reading);
    if (read.glued === null) at += 1;
  }
  return at;
}

function readValue(kind: ValueKind, value: RuleWord, read: Flag, reading: Reading): void {
  if (Object.hasOwn(CORE, read.flag) && read.flag !== '-m') {
    if (reading.core.has(read.flag)) {
      reading.complain(value.column, `${read.flag} stands twice; allowed: once in a rule`);
    }
    reading.core.set(read.flag, value);
  }
  if (hasUnknownName(value)) {
    reading.foreign ||= ['protocol', 'module', 'jump', 'goto'].includes(kind);
    return;
  }
  // In a word with quotes or names the offset into the value is not one into the text.
  const exact = value.raw.endsWith(value.text);
  for (const flaw of flaws(kind, value.text, read.flag)) {
    reading.complain(value.column + (exact ? flaw.offset : 0), flaw.message);
  }
  NOTED[kind]?.(value, read, reading);
}

/** What a value means for the rest of its rule. */
const NOTED: Partial<Record<ValueKind, (value: RuleWord, read: Flag, reading: Reading) => void>> = {
  addresses: (value, { flag, negated }, reading) => {
    const count = value.text.split(',').length;
    reading.copies *= count;
    if (count > 1 && negated) {
      reading.complain(value.column, `"!" with a list; allowed: ! ${flag} with one address or network`);
    }
  },
  protocol: noteProtocol,
  interface: (value, { flag }, reading) => {
    // The kernel's IFNAMSIZ is 16 with the closing NUL.
    if (value.text.length > 15) {
      reading.complain(
        value.column,
        `"${value.text}" has ${value.text.length} characters; ${flag} takes up to 15`,
      );
    }
  },
  module: (value, _, reading) => {
    reading.modules.set(value.text, value);
    reading.foreign ||= !Object.hasOwn(MODULES, value.text);
  },
  jump: noteJump,
  goto: (value, _, { place, complain }) => {
    if (!place.chains.includes(value.text))
      complain(value.column, `-g goes to a chain made by -N before; found "${value.text}"`);
  },
  natPorts: (value, _, reading) => {
    reading.natPort = value;
  },
  natAddress: (value, _, reading) => {
    if (value.text.includes(':')) reading.natPort = value;
  },
};

function noteProtocol(value: RuleWord, { negated }: Flag, reading: Reading): void {
  const text = value.text.toLowerCase();
  const name = Object.hasOwn(PROTOCOL_NUMBERS, text) ? (PROTOCOL_NUMBERS[text] ?? text) : text;
  if (!(PROTOCOLS.includes(name) || (/^\d+$/.test(name) && Number(name) <= 255))) {
    const known = 'allowed: tcp, udp, icmp, all and the like, or a number from 0 to 255';
    const near = /^\d/.test(name) ? '' : `did you mean "${closest(name, [...PROTOCOLS])}"? `;
    reading.complain(value.column, `unknown protocol "${value.text}"; ${near}${known}`);
    // Its ports are not to be complained of as well.
    reading.foreign = true;
  }
  reading.stated = `${negated ? '! ' : ''}-p ${value.text}`;
  // “Not tcp” has no tcp flags.
  reading.protocol = negated ? null : name;
  reading.foreign ||= !negated && !['tcp', 'udp', 'icmp', 'all', 'ip'].includes(name);
}

function noteJump(value: RuleWord, _: Flag, reading: Reading): void {
  const { place, complain } = reading;
  if (place.chains.includes(value.text)) return;
  const known = Object.hasOwn(TARGETS, value.text) ? TARGETS[value.text] : undefined;
  if (known === null || known === undefined) reading.foreign = true;
  if (known !== undefined) return;
  const builtIn = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].includes(value.text);
  const message = `"${value.text}" is built in; allowed: targets and chains made by -N`;
  complain(value.column, builtIn ? message : unknownTarget(value.text, place.chains));
}

/** The flag by its name in our tables: whole, shortened as getopt_long(3) allows, or with "=" and its value. */
function spelled(word: RuleWord, reading: Reading): { flag: string; glued: RuleWord | null } {
  const [, name = word.text, value] = /^(--[^=]+)=(.*)$/s.exec(word.text) ?? [];
  const offset = word.raw.indexOf('=') + 1;
  const glued = value === undefined ? null : { ...word, text: value, column: word.column + offset };
  const whole = CORE_ALIASES[name] ?? name;
  if (!name.startsWith('--') || options(whole, reading) !== undefined) return { flag: whole, glued };
  const known = [...Object.keys(CORE_ALIASES), ...active(reading).flatMap((each) => Object.keys(each))];
  const meant = new Set(
    known.filter((each) => each.startsWith(name)).map((each) => CORE_ALIASES[each] ?? each),
  );
  const [only] = meant;
  return { flag: meant.size === 1 && only !== undefined ? only : name, glued };
}

/** The flags that may stand here: what iptables has loaded by now. */
function active(reading: Reading): readonly Options[] {
  const target = reading.core.get('-j')?.text ?? '';
  const implied = reading.protocol ?? '';
  return [
    CORE,
    // The match loaded last is asked first.
    ...[...reading.modules.keys()].reverse().map((name) => lookUp(MODULES, name)),
    lookUp(MODULES, ['tcp', 'udp', 'icmp'].includes(implied) ? implied : ''),
    lookUp(TARGETS, target),
  ];
}

function lookUp(table: Readonly<Record<string, Options | null>>, name: string): Options {
  return (Object.hasOwn(table, name) ? table[name] : null) ?? {};
}

function options(flag: string, reading: Reading): readonly ValueKind[] | undefined {
  // Most flags are; the rest depends on what the rule has named so far.
  if (Object.hasOwn(CORE, flag)) return CORE[flag];
  return active(reading).find((each) => Object.hasOwn(each, flag))?.[flag];
}

/** Flags that no module of iptables has: with them the rule is of another language. */
function ipchainsOnly(flag: string): boolean {
  return ['-y', '-l', '-b'].includes(flag);
}

function pastValues(words: readonly RuleWord[], start: number): number {
  let at = start;
  while (at < words.length && !/^(?:-\D|!$)/.test(words[at]?.text ?? '')) at += 1;
  return at;
}

function unexpected(word: RuleWord, negated: boolean): string {
  if (word.text === '!') return '"!" stands before a flag; nothing follows it';
  if (negated) return `"!" stands before a flag; found "${word.text}"`;
  if (/^[\d:]+$/.test(word.text)) {
    return `"${word.text}" belongs to no flag; ports are written --sport ${word.text} or --dport ${word.text}`;
  }
  return `"${word.text}" belongs to no flag; a flag begins with "-"`;
}

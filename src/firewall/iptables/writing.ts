import type { TableName } from './tables';
import { TABLES } from './tables';
import type { RuleWord } from './words';
import { isProse } from './words';

/** How a line is written; `either`: a command without program and table, as both writings have it. */
export type Writing = 'typed' | 'saved' | 'either';

export const WRITINGS: Readonly<Record<Writing, string>> = {
  typed: 'a command as typed',
  saved: 'iptables-save text',
  either: 'a command',
};

export function writingOf(words: readonly RuleWord[]): Writing {
  const first = words[0]?.text ?? '';
  if (/^[*:]|^COMMIT$/.test(first) || isCounters(first)) return 'saved';
  const typed = isProgram(first) || words.some((word, at) => isTableFlag(word, words[at - 1]));
  return typed ? 'typed' : 'either';
}

/** `iptables`, `/sbin/iptables`, `iptables-nft`, … */
export function isProgram(word: string): boolean {
  return /^(?:\S*\/)?iptables(?:-nft|-legacy)?$/.test(word);
}

/** `[12:345]`: packets and bytes, in front of a rule or behind a policy */
export function isCounters(word: string): boolean {
  return /^\[\d+:\d+\]$/.test(word);
}

/** A flag to the program itself, and no word of a comment. */
export function isTableFlag(word: RuleWord, before: RuleWord | undefined): boolean {
  return (word.raw === '-t' || word.raw === '--table') && !isProse(before);
}

/**
 * How many words from here on only the program itself is told: to wait for its lock, that it is about IPv4, to
 * tell more, and counters, which begin at 0 here as do those of iptables-save text.
 */
export function programWords(words: readonly RuleWord[], at: number): number {
  const isNumber = (word: RuleWord | undefined): boolean => /^\d+$/.test(word?.text ?? '');
  const raw = words[at]?.raw ?? '';
  if (isProse(words[at - 1])) return 0;
  if (/^(?:-4|--ipv4|-v|--verbose|(?:-w|--wait=)\d+)$/.test(raw)) return 1;
  if (/^(?:-w|--wait)$/.test(raw)) return isNumber(words[at + 1]) ? 2 : 1;
  if (/^(?:-W|--wait-interval)$/.test(raw)) return 2;
  // Packets and bytes are two words, or one with a comma.
  if (/^(?:-c|--set-counters)$/.test(raw)) return isNumber(words[at + 1]) && isNumber(words[at + 2]) ? 3 : 2;
  return 0;
}

export function knownTable(name: string): TableName | null {
  return TABLES.find((table) => table === name) ?? null;
}

export function unknownTable(name: string): string {
  return `unknown table "${name}"; allowed: ${TABLES.join(', ')}`;
}

/** What to say of a line that begins with some other word. */
export function noCommand(word: string): string {
  const program = word.split('/').at(-1) ?? word;
  return (
    OTHER_PROGRAMS[program] ??
    `"${word}" is no command of iptables; allowed: e.g. iptables -A FORWARD -p tcp --dport 21 -j ACCEPT`
  );
}

const OTHER_PROGRAMS: Readonly<Partial<Record<string, string>>> = {
  ipchains: '"ipchains" rules load on kind: ipchains; here is kind: iptables',
  ip6tables: '"ip6tables" is IPv6; allowed: IPv4, by iptables',
  modprobe: '"modprobe" loads a module and is no rule; modules have a place of their own beside the rules',
};

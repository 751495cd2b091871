import type { TableName } from './vocabulary';
import { TABLES } from './vocabulary';
import type { RuleWord } from './words';

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
  return (word.raw === '-t' || word.raw === '--table') && before?.text !== '--comment';
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

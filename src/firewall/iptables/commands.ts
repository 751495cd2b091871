import { closest, distance } from 'fastest-levenshtein';
import { Chains } from './chains';
import { withRow } from './identity';
import { readRule, refuseFormer } from './rule';
import type { TableName } from './tables';
import { CHAINS } from './tables';
import type { Complain, RuleWord } from './words';
import { render, written } from './words';
import type { Command, Policy, Row } from '../kinds';

/** A command on its line: `-A FORWARD …`, without program and table. */
export interface CommandLine {
  readonly line: number;
  readonly table: TableName;
  /** the command itself is the first */
  readonly words: readonly RuleWord[];
  /** the row's text as its author wrote it, and where that begins */
  readonly text: string;
  readonly column: number;
  readonly complain: Complain;
}

/** What the commands of a text come to; grows command by command. */
export class Commands {
  readonly rows: Row[] = [];
  readonly commands: Command[] = [];
  readonly chains = new Chains();
  policy: Policy | null = null;

  constructor(private readonly firstRow: number) {}

  nextRow(): number {
    return this.firstRow + this.rows.length;
  }

  /** Adds what counts no packets. */
  add(table: TableName, text: string): void {
    this.commands.push({ table, text, row: null });
  }
}

/** Reads one command into what there is. */
export function readCommand(line: CommandLine, into: Commands): void {
  const [word] = line.words;
  if (!word) return;
  const short = LONG_COMMANDS[word.text] ?? word.text;
  const read = Object.hasOwn(READERS, short) ? READERS[short] : undefined;
  if (read) read(line, into);
  else line.complain(word.column, REFUSED[short] ?? unknownCommand(word.text));
}

const LONG_COMMANDS: Readonly<Record<string, string>> = {
  '--append': '-A',
  '--insert': '-I',
  '--delete': '-D',
  '--replace': '-R',
  '--policy': '-P',
  '--flush': '-F',
  '--new-chain': '-N',
  '--new': '-N',
  '--delete-chain': '-X',
  '--zero': '-Z',
  '--rename-chain': '-E',
  '--list': '-L',
  '--list-rules': '-S',
  '--check': '-C',
};

const READERS: Readonly<Record<string, (line: CommandLine, into: Commands) => void>> = {
  '-A': append,
  '-I': insert,
  '-R': replace,
  '-D': remove,
  '-P': setPolicy,
  '-F': flush,
  '-N': makeChain,
  '-X': removeChains,
  '-Z': zero,
};

const REFUSED: Readonly<Record<string, string>> = {
  '-L': '"-L" lists, changes nothing; leave it out',
  '-S': '"-S" lists, changes nothing; leave it out',
  '-n': '"-n" is for listing, changes nothing; leave it out',
  '-C': '"-C" checks, changes nothing; leave it out',
  '-E': '"-E" renames a chain, which is not read here; give it its name with -N',
  '-M': '"-M" is ipchains: iptables has no masquerading timeouts; connection tracking has its own',
};

function unknownCommand(text: string): string {
  const known = Object.keys(READERS).join(', ');
  return `a line begins with its command; found "${text}", allowed: ${known}`;
}

/**
 * The chain a command is about, checked.
 *
 * @returns null when it has been complained of
 */
function chainOf({ words, table, complain }: CommandLine, into: Commands): string | null {
  const [command, chain] = words;
  if (!chain || chain.text.startsWith('-')) {
    if (command) complain(command.column, `${command.text} needs a chain`);
    return null;
  }
  if (into.chains.rules(table, chain.text)) return chain.text;
  complain(chain.column, unknownChain(chain.text, table, into));
  return null;
}

function unknownChain(chain: string, table: TableName, into: Commands): string {
  const here = [...CHAINS[table], ...into.chains.ownChains(table)];
  const upper = chain.toUpperCase();
  if (chain !== upper && here.includes(upper)) return `"${chain}" is ipchains; in iptables write ${upper}`;
  const near = closest(upper, here);
  if (distance(upper, near) <= 2) return `table ${table} has no chain "${chain}"; did you mean "${near}"?`;
  const elsewhere = Object.entries(CHAINS).filter(([, chains]) => chains.includes(upper));
  const others = elsewhere.length > 0 ? `; ${upper} is in ${elsewhere.map(([name]) => name).join(', ')}` : '';
  const make = elsewhere.length > 0 ? '' : '; a chain of your own is made first, by -N';
  return `table ${table} has no chain "${chain}"; it has ${here.join(', ')}${others}${make}`;
}

function append(line: CommandLine, into: Commands): void {
  const chain = chainOf(line, into);
  if (chain !== null) putRule(line, into, { chain, rest: line.words.slice(2), number: null });
}

function insert(line: CommandLine, into: Commands): void {
  const chain = chainOf(line, into);
  if (chain === null) return;
  const given = line.words[2];
  const hasNumber = given !== undefined && /^\d+$/.test(given.text);
  if (hasNumber) checkNumber(given, 1, countOf(line, chain, into) + 1, chain, line);
  const number = hasNumber ? Number(given.text) : null;
  putRule(line, into, {
    chain,
    rest: line.words.slice(hasNumber ? 3 : 2),
    number: number ?? 1,
    stated: hasNumber,
  });
}

/**
 * -R becomes -D and -I: iptables-nft-restore 1.8.9 crashes on a -R of a rule that is made in the
 * same file.
 */
function replace(line: CommandLine, into: Commands): void {
  const chain = chainOf(line, into);
  if (chain === null) return;
  const number = numberAt(line, chain, into);
  if (number === null) return;
  into.chains.rules(line.table, chain)?.splice(number - 1, 1);
  into.add(line.table, `-D ${chain} ${number}`);
  putRule(line, into, { chain, rest: line.words.slice(3), number, stated: true });
}

/** The number -R and the short -D need, checked; null when complained of. */
function numberAt(line: CommandLine, chain: string, into: Commands): number | null {
  const [command, , given] = line.words;
  if (!given || !/^\d+$/.test(given.text)) {
    if (command) line.complain((given ?? command).column, `${command.text} needs the number of a rule`);
    return null;
  }
  return checkNumber(given, 1, countOf(line, chain, into), chain, line) ? Number(given.text) : null;
}

function countOf(line: CommandLine, chain: string, into: Commands): number {
  return into.chains.rules(line.table, chain)?.length ?? 0;
}

function checkNumber(given: RuleWord, low: number, high: number, chain: string, line: CommandLine): boolean {
  const number = Number(given.text);
  if (number >= low && number <= high) return true;
  const allowed =
    high < low ? 'it is empty' : high === low ? `allowed: ${low}` : `allowed: ${low} to ${high}`;
  line.complain(given.column, `${chain} of table ${line.table} has no place ${given.text}; ${allowed}`);
  return false;
}

interface Put {
  readonly chain: string;
  readonly rest: readonly RuleWord[];
  /** where it goes, from 1; null: at the end */
  readonly number: number | null;
  /** whether the number is written */
  readonly stated?: boolean;
}

function putRule(line: CommandLine, into: Commands, { chain, rest, number, stated }: Put): void {
  refuseFormer(rest, into.chains.ownChains(line.table), line.complain);
  const { stops, jumpsTo, copies } = readRule(rest);
  const row = into.nextRow();
  into.rows.push({ row, text: line.text, line: line.line, column: line.column, stops });
  const head = number === null ? `-A ${chain}` : stated ? `-I ${chain} ${number}` : `-I ${chain}`;
  const text = withRow(`${head} ${render(rest)}`.trimEnd(), row);
  const columns = rest.map((word) => word.column - line.column);
  into.commands.push({ table: line.table, text, row, columns });
  const rules = into.chains.rules(line.table, chain) ?? [];
  const standing = Array.from({ length: copies }, () => ({ row, key: keyOf(rest), jumpsTo }));
  if (number === null) rules.push(...standing);
  else rules.splice(number - 1, 0, ...standing);
}

function keyOf(words: readonly RuleWord[]): string {
  return words.map((word) => word.text).join('\n');
}

/** -D by words has to carry the comment of the row it means, or iptables would not find that row. */
function remove(line: CommandLine, into: Commands): void {
  const chain = chainOf(line, into);
  if (chain === null) return;
  const rules = into.chains.rules(line.table, chain) ?? [];
  const rest = line.words.slice(2);
  const [given, ...more] = rest;
  if (!given || (/^\d+$/.test(given.text) && more.length === 0)) {
    const number = numberAt(line, chain, into);
    if (number === null) return;
    rules.splice(number - 1, 1);
    into.add(line.table, `-D ${chain} ${number}`);
    return;
  }
  const key = keyOf(rest);
  const at = rules.findIndex((rule) => rule.key === key);
  const found = rules[at];
  if (!found) {
    line.complain(given.column, `no rule above in ${chain} of table ${line.table} reads "${written(rest)}"`);
    return;
  }
  rules.splice(at, readRule(rest).copies);
  into.add(line.table, withRow(`-D ${chain} ${render(rest)}`, found.row));
}

function setPolicy(line: CommandLine, into: Commands): void {
  const chain = chainOf(line, into);
  if (chain === null) return;
  const [command, name, given] = line.words;
  if (!CHAINS[line.table].includes(chain)) {
    line.complain(
      name?.column ?? 0,
      `"${chain}" is a chain of your own; policies are for ${CHAINS[line.table].join(', ')}`,
    );
    return;
  }
  if (!given) line.complain(command?.column ?? 0, `-P needs a policy; allowed: ACCEPT, DROP`);
  else if (nothingAfter(line, 3)) applyPolicy(line, chain, given, into);
}

/** A policy by -P or by a line of iptables-save. */
export function applyPolicy(line: CommandLine, chain: string, given: RuleWord, into: Commands): void {
  if (given.text !== 'ACCEPT' && given.text !== 'DROP') {
    line.complain(given.column, `"${given.text}" is no policy; ${policyHint(given.text)}`);
    return;
  }
  if (line.table === 'nat' && given.text === 'DROP') {
    line.complain(given.column, 'table nat does not filter; DROP is a policy in table filter');
    return;
  }
  if (line.table === 'filter' && chain === 'FORWARD') into.policy = given.text === 'DROP' ? 'drop' : 'accept';
  into.add(line.table, `-P ${chain} ${given.text}`);
}

function policyHint(text: string): string {
  const upper = text.toUpperCase();
  if (upper === 'DENY') return 'that is ipchains, in iptables write DROP';
  if (upper === 'REJECT') return 'allowed: ACCEPT, DROP; to reject what is left, write a last rule -j REJECT';
  return upper === 'DROP' || upper === 'ACCEPT' ? `did you mean ${upper}?` : 'allowed: ACCEPT, DROP';
}

function nothingAfter(line: CommandLine, count: number): boolean {
  const more = line.words[count];
  if (more)
    line.complain(more.column, `"${more.text}" is one word too many for ${line.words[0]?.text ?? ''}`);
  return more === undefined;
}

/**
 * -F, chain by chain: a -F of the whole table leaves what was made in the same file, in
 * iptables-nft-restore 1.8.9. Flushing what is empty is left out, as at the head of many scripts.
 */
function flush(line: CommandLine, into: Commands): void {
  const named = line.words.length > 1;
  const chain = named ? chainOf(line, into) : null;
  if ((named && chain === null) || !nothingAfter(line, 2)) return;
  const chains = chain === null ? into.chains.names(line.table) : [chain];
  for (const each of chains) {
    const rules = into.chains.rules(line.table, each);
    if (!rules || rules.length === 0) continue;
    rules.length = 0;
    into.add(line.table, `-F ${each}`);
  }
}

/**
 * -Z comes to nothing: counters begin at 0. iptables-nft-restore 1.8.9 would take it amiss, and forget
 * the policies set before it.
 */
function zero(line: CommandLine, into: Commands): void {
  if (line.words.length > 1 && chainOf(line, into) === null) return;
  nothingAfter(line, 2);
}

function makeChain(line: CommandLine, into: Commands): void {
  const [command, name] = line.words;
  if (!name) line.complain(command?.column ?? 0, '-N needs the name of the new chain');
  else if (nothingAfter(line, 2)) newChain(line, name, into);
}

/** A chain by -N or by a line of iptables-save. */
export function newChain(line: CommandLine, name: RuleWord, into: Commands): void {
  // xtables: a chain name is shorter than XT_EXTENSION_MAXNAMELEN, 29 with its closing NUL.
  const flaw = into.chains.rules(line.table, name.text)
    ? `table ${line.table} has a chain "${name.text}" already`
    : name.text.length > 28
      ? `"${name.text}" has ${name.text.length} characters; a chain's name has up to 28`
      : /^[-!:[*]|[\s"]/.test(name.text)
        ? `"${name.text}" is no name for a chain; allowed: letters, digits and e.g. "-" or "_" inside`
        : null;
  if (flaw !== null) {
    line.complain(name.column, flaw);
    return;
  }
  into.chains.make(line.table, name.text);
  into.add(line.table, `-N ${name.text}`);
}

/**
 * -X, of one chain or of all a table's own: the kernel removes what is empty and not jumped to. Each is
 * named, because a -X of all makes iptables-nft-restore 1.8.9 forget the policies set before it.
 */
function removeChains(line: CommandLine, into: Commands): void {
  const { table, words } = line;
  const [command, name] = words;
  const chain = name ? chainOf(line, into) : null;
  if ((name && chain === null) || !nothingAfter(line, 2)) return;
  for (const each of chain === null ? into.chains.ownChains(table) : [chain]) {
    const flaw = whyNotRemoved(table, each, into);
    if (flaw !== null) {
      line.complain((name ?? command)?.column ?? 0, `-X cannot remove "${each}": ${flaw}`);
      continue;
    }
    into.chains.remove(table, each);
    into.add(table, `-X ${each}`);
  }
}

function whyNotRemoved(table: TableName, chain: string, into: Commands): string | null {
  if (CHAINS[table].includes(chain)) return 'it is built in';
  if ((into.chains.rules(table, chain)?.length ?? 0) > 0) return 'it has rules';
  return into.chains.isJumpedTo(table, chain) ? 'a rule jumps to it' : null;
}

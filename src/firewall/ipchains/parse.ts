import { isPlain, substitute } from './lines';
import { Arguments, type FlagName } from './options';
import { parseRule, type Reading } from './parse-rule';
import {
  BUILT_IN_CHAINS,
  isBuiltIn,
  type IpchainsAction,
  type IpchainsCommand,
  type IpchainsRule,
} from './rule';
import { collectUses, type Use, type Uses } from './uses';
import {
  parseChain,
  parseChainName,
  parsePolicyTarget,
  parseRuleNumber,
  parseTarget,
  parseTimeout,
} from './values';
import type { DialectContext, RuleProblem } from '../kinds';
import { ruleLines, words, type RuleLine } from '../words';

const COMMANDS: readonly FlagName[] = [
  'append',
  'insert',
  'replace',
  'delete',
  'policy',
  'flush',
  'zero',
  'new-chain',
  'delete-chain',
  'list',
  'masquerading',
  'timeouts',
];
/** What `-C` takes: what a packet is, and nothing of what is to become of it (ipchains.c, commands_v_options). */
const CHECK_OPTIONS: readonly FlagName[] = [
  'check',
  'source',
  'destination',
  'source-port',
  'destination-port',
  'protocol',
  'interface',
  'syn',
  'fragment',
  'verbose',
  'numeric',
  'no-warnings',
];
const RULE_COMMANDS: readonly FlagName[] = ['append', 'insert', 'replace', 'delete'];
const LIST_OPTIONS: readonly FlagName[] = ['numeric', 'exact', 'line-numbers'];
/** Commands that go together on one line (ipchains.c, add_command). */
const TOGETHER: readonly string[] = ['list zero', 'list masquerading', 'masquerading timeouts'];
const NO_COMMAND = 'no command; allowed: -A, -I, -R, -D, -P, -F, -Z, -N, -X, -L, -M -L and -M -S';
/** Words owners have before a command in their start scripts, and where the lab has them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  iptables: 'this firewall is told in ipchains; iptables commands belong to kind: iptables',
  ipmasqadm: 'port forwarding stands under forward:',
  modprobe: 'modules stand under modules:',
  insmod: 'modules stand under modules:',
};

/** What is there before the first line; and whether names of services are read, as the tool does and scenarios do not. */
type Context = Pick<DialectContext, 'names'> & {
  readonly chains?: readonly string[];
  readonly services?: boolean;
};

/**
 * Reads ipchains commands (1.3.9 and 1.3.10, Linux 2.2), one a line, with `ipchains` in front or without.
 * The text is read from top to bottom: a chain is known from its `-N` on, until its `-X`.
 *
 * @param context the names that may be written with a `$`, and user chains there are before; without it there are none
 * @returns the commands that could be read, and everything that is wrong with the others; it never throws
 */
export function parseIpchains(
  text: string,
  context?: Context,
): { commands: IpchainsCommand[]; problems: RuleProblem[] } {
  const commands: IpchainsCommand[] = [];
  const problems: RuleProblem[] = [];
  const names = new Map(Object.entries(context?.names ?? {}));
  const chains = new Set<string>([...BUILT_IN_CHAINS, ...(context?.chains ?? [])]);
  for (const line of ruleLines(text)) {
    const before = problems.length;
    const report = (column: number, message: string): void => {
      problems.push({ line: line.line, column, message });
    };
    const action = parseLine(line, names, readingOf(chains, report, context?.services), chains);
    if (!action && problems.length === before) report(line.column, NO_COMMAND);
    if (action && problems.length === before) {
      commands.push({ ...action, line: line.line, column: line.column, text: line.text });
    }
  }
  problems.sort((one, other) => one.line - other.line || one.column - other.column);
  return { commands, problems };
}

/**
 * Reads one `ipchains -C`, which only asks: scenarios have it not, the tool has.
 *
 * @returns the packet it speaks of, as a rule that is for that packet alone if `problems` is empty
 */
export function parseCheck(
  text: string,
  context: Context,
): { chain: string | null; rule: IpchainsRule | null; problems: RuleProblem[] } {
  const problems: RuleProblem[] = [];
  const chains = new Set<string>([...BUILT_IN_CHAINS, ...(context.chains ?? [])]);
  const [line] = ruleLines(text);
  const report = (column: number, message: string): void => {
    problems.push({ line: 0, column, message });
  };
  const uses = line ? readUses(line, new Map(Object.entries(context.names)), report) : null;
  const use = uses?.get('check');
  if (!uses || !use) return { chain: null, rule: null, problems };
  for (const { name, written, column } of uses.values()) {
    if (!CHECK_OPTIONS.includes(name)) report(column, `${written} does not go with ${use.written}`);
  }
  const reading = readingOf(chains, report, context.services);
  const chain = reading.read(use.value, (word) => parseChain(word, chains));
  return { chain, rule: parseRule(chain, uses, reading), problems };
}

function parseLine(
  line: RuleLine,
  names: ReadonlyMap<string, string>,
  reading: Reading,
  chains: Set<string>,
): IpchainsAction | null {
  const uses = readUses(line, names, reading.report);
  return uses && parseCommand(uses, reading, chains);
}

/** The flags of a line; null: they cannot be told, and that has been reported. */
function readUses(
  line: RuleLine,
  names: ReadonlyMap<string, string>,
  report: Reading['report'],
): Uses | null {
  if (!isPlain(line, report)) return null;
  const [first, ...rest] = words(line.text, line.column).map((word) => substitute(word, names, report));
  if (!first) return null;
  const named = /(?:^|\/)ipchains$/.test(first.text);
  if (!named && !/^[-!]/.test(first.text)) {
    const program = first.text.split('/').at(-1) ?? first.text;
    report(
      first.column,
      `"${first.text}" is no ipchains command; ${ELSEWHERE[program] ?? 'allowed: ipchains, or nothing before the first flag'}`,
    );
    return null;
  }
  return collectUses(new Arguments(named ? rest : [first, ...rest], report), report);
}

function readingOf(chains: ReadonlySet<string>, report: Reading['report'], services = false): Reading {
  return {
    services,
    chains,
    report,
    read: (word, reader) => {
      // A name that is not known has been reported already.
      if (!word || word.text.includes('$')) return null;
      try {
        return reader(word.text);
      } catch (error) {
        report(word.column, error instanceof Error ? error.message : String(error));
        return null;
      }
    },
  };
}

function parseCommand(uses: Uses, reading: Reading, chains: Set<string>): IpchainsAction | null {
  const { report } = reading;
  for (const name of ['check', 'version', 'help'] as const) {
    const use = uses.get(name);
    if (!use) continue;
    report(use.column, `${use.written} sets nothing up: it only asks; leave it out`);
    return null;
  }
  const given = [...uses.values()].filter(({ name }) => COMMANDS.includes(name));
  const [use, other] = [...given].sort((a, b) => COMMANDS.indexOf(a.name) - COMMANDS.indexOf(b.name));
  if (!use) return null;
  checkOptions(uses, given, report);
  if (other && given.length > 1) return parsePair(given, reading);
  return RULE_COMMANDS.includes(use.name)
    ? parseRuleCommand(use, uses, reading)
    : parseChainCommand(use, reading, chains);
}

function checkOptions(uses: Uses, given: readonly Use[], report: Reading['report']): void {
  const [first] = given;
  const lists = given.some(({ name }) => name === 'list');
  const rules = given.some(({ name }) => RULE_COMMANDS.includes(name));
  for (const { name, written, column } of uses.values()) {
    if (COMMANDS.includes(name) || name === 'verbose' || name === 'no-warnings') continue;
    const isListing = LIST_OPTIONS.includes(name);
    if (isListing ? lists : rules) continue;
    report(
      column,
      `${written} does not go with ${first?.written ?? ''}${isListing ? '; it goes with -L' : ''}`,
    );
  }
}

function parsePair(given: readonly Use[], reading: Reading): IpchainsAction | null {
  const [first, second, third] = given;
  const names = given.map(({ name }) => name).sort();
  if (!first || !second || third || !TOGETHER.includes(names.join(' '))) {
    const [extra] = given.slice(third ? 2 : 1);
    reading.report(extra?.column ?? 0, `${extra?.written ?? ''} does not go with ${first?.written ?? ''}`);
    return null;
  }
  const timeouts = given.find(({ name }) => name === 'timeouts');
  if (timeouts) return parseTimeouts(timeouts, reading);
  for (const { value, written } of given) {
    if (value) reading.report(value.column, `${written} takes no chain here; found "${value.text}"`);
  }
  // The list that is printed before the counters are zeroed changes nothing.
  return names.includes('zero') ? { kind: 'zero', chain: null } : { kind: 'list-masquerade' };
}

function parseRuleCommand(use: Use, uses: Uses, reading: Reading): IpchainsAction | null {
  const { read, report } = reading;
  const chain = read(use.value, (text) => parseChain(text, reading.chains));
  const [number] = use.more;
  const at = read(number, parseRuleNumber);
  const bidirectional = uses.get('bidirectional');
  if (use.name === 'delete' && number) {
    const options = [...uses.values()].filter(
      ({ name }) => !['delete', 'verbose', 'no-warnings'].includes(name),
    );
    for (const { written, column } of options) report(column, `${written} does not go with a rule number`);
    return chain === null || at === null ? null : { kind: 'delete-number', chain, at };
  }
  const rule = parseRule(chain, uses, reading);
  if (use.name === 'append' && number) report(number.column, `"${number.text}" belongs to no flag`);
  if (use.name === 'replace' && !number)
    report(use.column, `${use.written} needs a rule number after the chain`);
  if (use.name === 'replace' && bidirectional) {
    report(bidirectional.column, `${bidirectional.written} makes two rules, and ${use.written} replaces one`);
  }
  if (chain === null) return null;
  if (use.name === 'append' || use.name === 'delete') return { kind: use.name, chain, rule };
  const kind = use.name === 'insert' ? 'insert' : 'replace';
  return { kind, chain, at: at ?? 1, rule };
}

function parseChainCommand(use: Use, reading: Reading, chains: Set<string>): IpchainsAction | null {
  const { read, report } = reading;
  switch (use.name) {
    case 'policy':
      return parsePolicy(use, reading);
    case 'new-chain':
      return parseNewChain(use, reading, chains);
    case 'delete-chain':
      return parseDeleteChain(use, reading, chains);
    case 'timeouts':
      return parseTimeouts(use, reading);
    case 'masquerading':
      report(use.column, `${use.written} does nothing alone; allowed: -M -L, and -M -S tcp tcpfin udp`);
      return null;
    case 'flush':
    case 'zero':
    case 'list': {
      const chain = read(use.value, (text) => parseChain(text, chains));
      return chain === null && use.value ? null : { kind: use.name, chain };
    }
    default:
      return null;
  }
}

function parsePolicy(use: Use, { chains, read, report }: Reading): IpchainsAction | null {
  const chain = read(use.value, (text) => parseChain(text, chains));
  const [word] = use.more;
  if (!word) report(use.column, `${use.written} needs a chain and a policy, e.g. -P input DENY`);
  const target = read(word, parsePolicyTarget);
  if (chain === null || target === null || !word) return null;
  if (!isBuiltIn(chain)) {
    report(
      use.value?.column ?? use.column,
      `a user chain has no policy; allowed: ${BUILT_IN_CHAINS.join(', ')}`,
    );
    return null;
  }
  if (target === 'MASQ' && chain !== 'forward')
    report(word.column, `MASQ stands in forward; found in ${chain}`);
  return { kind: 'policy', chain, target };
}

function parseNewChain(use: Use, { read, report }: Reading, chains: Set<string>): IpchainsAction | null {
  const chain = read(use.value, parseChainName);
  const column = use.value?.column ?? use.column;
  if (chain !== null && chains.has(chain)) report(column, `there is a chain "${chain}" already`);
  if (chain !== null && isTarget(chain))
    report(column, `"${chain}" is a target; no rule could jump to such a chain`);
  // Known from here on even if its name is wrong: one mistake is to be told once.
  if (use.value) chains.add(use.value.text);
  return chain === null ? null : { kind: 'new-chain', chain };
}

function isTarget(text: string): boolean {
  try {
    parseTarget(text, new Set());
    return true;
  } catch {
    return false;
  }
}

function parseDeleteChain(use: Use, { read, report }: Reading, chains: Set<string>): IpchainsAction | null {
  if (!use.value) {
    for (const chain of chains) if (!isBuiltIn(chain)) chains.delete(chain);
    return { kind: 'delete-chain', chain: null };
  }
  const chain = read(use.value, (text) => parseChain(text, chains));
  if (chain === null) return null;
  if (isBuiltIn(chain))
    report(use.value.column, `${chain} is a built-in chain, which stays; -F ${chain} empties it`);
  else chains.delete(chain);
  return { kind: 'delete-chain', chain };
}

function parseTimeouts(use: Use, { read, report }: Reading): IpchainsAction | null {
  const given = use.value ? [use.value, ...use.more] : [];
  const values = given.map((word) => read(word, parseTimeout));
  if (given.length !== 3) {
    report(
      use.column,
      `${use.written} takes three numbers of seconds, tcp tcpfin udp; found ${given.length}`,
    );
  }
  const [tcp, tcpFin, udp] = values;
  if (tcp == null || tcpFin == null || udp == null) return null;
  return { kind: 'timeouts', tcp, tcpFin, udp };
}

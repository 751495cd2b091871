import { closest, distance } from 'fastest-levenshtein';
import type { Options } from './vocabulary';
import { CORE, CORE_ALIASES, MODULES, TARGETS } from './vocabulary';

/** Flags of ipchains and of other times, and what is written today. */
const FORMER_FLAGS: Readonly<Record<string, string>> = {
  '-y': '"-y" is ipchains; in iptables write --syn after -p tcp',
  '-l': '"-l" is ipchains; in iptables a rule of its own logs: -j LOG',
  '-b': '"-b" is ipchains; in iptables write two rules, one for each direction',
  '-x': '"-x" is for listing and changes nothing; leave it out',
  '-n': '"-n" is for listing and changes nothing; leave it out',
  '-v': '"-v" is for listing and changes nothing; leave it out',
  '--numeric': '"--numeric" is for listing and changes nothing; leave it out',
  '--verbose': '"--verbose" is for listing and changes nothing; leave it out',
  '--line-numbers': '"--line-numbers" is for listing and changes nothing; leave it out',
  '-c': '"-c" sets counters; here they begin at 0, leave it out',
  '--set-counters': '"--set-counters" sets counters; here they begin at 0, leave it out',
  '-6': '"-6" is IPv6; allowed: IPv4',
  '--ipv6': '"--ipv6" is IPv6; allowed: IPv4',
};

/** Targets of ipchains, and what is written today. */
const FORMER_TARGETS: Readonly<Record<string, string>> = {
  DENY: '"DENY" is ipchains; in iptables write DROP',
  MASQ: '"MASQ" is ipchains; in iptables write -t nat -A POSTROUTING -o outside -j MASQUERADE',
};

/** All known flags, with what each belongs to, e.g. `--state` → [`-m state`]. */
const OWNERS = owners();

function owners(): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  const add = (options: Options, owner: string): void => {
    for (const flag of Object.keys(options)) all.set(flag, [...(all.get(flag) ?? []), owner]);
  };
  for (const [name, options] of Object.entries(MODULES)) {
    add(options, ['tcp', 'udp', 'icmp'].includes(name) ? `-p ${name}` : `-m ${name}`);
  }
  for (const [name, options] of Object.entries(TARGETS)) add(options ?? {}, `-j ${name}`);
  return all;
}

/**
 * What to say of a flag that nothing in its rule so far knows.
 *
 * @param found what the rule says instead, e.g. "-p udp"; empty: nothing
 */
export function unknownFlag(flag: string, found: string): string {
  const former = own(FORMER_FLAGS, flag);
  if (former !== undefined) return former;
  const glued = /^(-[sdpiomjgA-Z])(?=[^-])(.+)$/.exec(flag);
  if (glued) return `"${flag}" has no blank; write ${glued[1] ?? ''} ${glued[2] ?? ''}`;
  const belongs = OWNERS.get(flag);
  if (belongs) {
    // A port flag is listed with tcp, udp and multiport; what is missing is the protocol.
    const protocols = belongs.filter((owner) => owner.startsWith('-p'));
    const needs = protocols.length > 0 ? protocols : belongs;
    const instead = protocols.length > 0 && found !== '' ? `; found ${found}` : '';
    return `"${flag}" needs ${needs.join(' or ')} before it${instead}`;
  }
  if (/^-[^-]?$/.test(flag)) return `unknown flag "${flag}"; known: ${Object.keys(CORE).join(', ')}`;
  const near = closest(flag, LONG_FLAGS);
  const hint = distance(flag, near) <= Math.max(2, flag.length / 4) ? `; did you mean "${near}"?` : '';
  return `unknown flag "${flag}"${hint}`;
}

const LONG_FLAGS = [...OWNERS.keys(), ...Object.keys(CORE_ALIASES)];

/** What to say of a target that is neither known nor a chain made before. */
export function unknownTarget(target: string, chains: readonly string[]): string {
  const former = own(FORMER_TARGETS, target.toUpperCase());
  if (former !== undefined) return former;
  const known = [...Object.keys(TARGETS), ...chains];
  if (known.includes(target.toUpperCase())) {
    return `unknown target "${target}"; did you mean "${target.toUpperCase()}"?`;
  }
  const near = closest(target.toUpperCase(), known);
  if (distance(target.toUpperCase(), near) <= 2) return `unknown target "${target}"; did you mean "${near}"?`;
  const yours = chains.length > 0 ? `, or ${chains.join(', ')}` : '';
  return `unknown target "${target}"; allowed: ACCEPT, DROP, REJECT, RETURN, LOG and the like${yours}; a chain of your own is made first, by -N`;
}

function own(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

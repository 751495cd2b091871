import { parsePorts } from './quantities';
import type { PortRange } from './kinds';

/**
 * What a rule does, and to which packets, as the kernel's own listing of it tells. What is not understood of a rule
 * makes it match less, never more.
 */
export interface Effect {
  /** `redirect`: to the firewall itself; `map`: different things, by a verdict map; `none`: it goes on */
  readonly verdict:
    'accept' | 'drop' | 'reject' | 'dnat' | 'redirect' | 'snat' | 'jump' | 'return' | 'map' | 'none';
  /** it asks nothing of a packet */
  readonly always: boolean;
  /** interfaces and addresses it asks for; all must hold */
  readonly conditions: readonly Condition[];
  /** null: any */
  readonly protocols: readonly string[] | null;
  /** states of conntrack, in lower case; null: any */
  readonly states: readonly string[] | null;
  /** null: any */
  readonly sourcePorts: readonly PortRange[] | null;
  readonly destinationPorts: readonly PortRange[] | null;
  /** the helper that a packet's connection must have, or have come from; null: any or none */
  readonly helper: string | null;
  /** the helper it attaches; null: none */
  readonly attaches: string | null;
  /** it takes so many packets only, by rate or number */
  readonly limited: boolean;
  /** all that it asks of a SYN stands here */
  readonly understood: boolean;
}

/** That a packet came in or goes out by one of some interfaces, or is from or to one of some addresses, networks or ranges. */
export interface Condition {
  readonly on: 'in' | 'out' | 'source' | 'destination';
  readonly any: readonly string[];
}

/** A rule as it was loaded. */
export interface LoadedRule {
  readonly row: number;
  /** the chain it stands in, e.g. `filter FORWARD` or `ip office forward` */
  readonly chain: string;
  /** where packets meet that chain by themselves, in lower case, e.g. `forward`; null: where another rule sends them */
  readonly hook: string | null;
  /** the priority of that chain where it is a base chain of nftables; null for all others */
  readonly priority: number | null;
  readonly does: Effect;
}

/** What a firewall has once it is loaded, as it tells itself. */
export interface Loaded {
  readonly rules: readonly LoadedRule[];
  /** helpers that its rules need the kernel to have, e.g. `ftp`, whether they attach them or not */
  readonly helpers: readonly string[];
}

/** Of a firewall that was not asked. */
export const NOTHING_LOADED: Loaded = { rules: [], helpers: [] };

/** What a rule asks that asks nothing. */
export const ANY: Omit<Effect, 'verdict'> = {
  always: true,
  conditions: [],
  protocols: null,
  states: null,
  sourcePorts: null,
  destinationPorts: null,
  helper: null,
  attaches: null,
  limited: false,
  understood: true,
};

/** What else may be asked of a SYN, and is answered by it or stands in {@link Effect.limited}. */
const OF_A_SYN = ['--syn', '--tcp-flags', '--limit', '--limit-burst'];
/** Matches that ask nothing by themselves, or what their flags say. */
const MATCHES = ['tcp', 'udp', 'multiport', 'state', 'conntrack', 'limit', 'comment'];

const LIMITS = ['limit', 'hashlimit', 'connlimit', 'recent', 'quota', 'connbytes', 'statistic'];

/** What each flag of iptables-save and ipchains says of a rule, given its value. Those that change nothing here are null. */
const FLAGS: Readonly<Record<string, ((value: string) => Partial<Effect>) | null>> = {
  '-i': (value) => ({ conditions: [{ on: 'in', any: [value] }] }),
  '-o': (value) => ({ conditions: [{ on: 'out', any: [value] }] }),
  '-s': (value) => ({ conditions: [{ on: 'source', any: addresses(value) }] }),
  '-d': (value) => ({ conditions: [{ on: 'destination', any: addresses(value) }] }),
  '--source': (value) => ({ conditions: [{ on: 'source', any: addresses(value) }] }),
  '--destination': (value) => ({ conditions: [{ on: 'destination', any: addresses(value) }] }),
  '-p': (value) => ({ protocols: [value] }),
  '--state': (value) => ({ states: value.toLowerCase().split(',') }),
  '--ctstate': (value) => ({ states: value.toLowerCase().split(',') }),
  '--sport': (value) => ({ sourcePorts: portsIn(value) }),
  '--sports': (value) => ({ sourcePorts: portsIn(value) }),
  '--dport': (value) => ({ destinationPorts: portsIn(value) }),
  '--dports': (value) => ({ destinationPorts: portsIn(value) }),
  '-m': (value) => (LIMITS.includes(value) ? { limited: true } : {}),
  '--comment': null,
};

const VERDICTS: Readonly<Record<string, Effect['verdict']>> = {
  ACCEPT: 'accept',
  MASQ: 'accept',
  DROP: 'drop',
  DENY: 'drop',
  REJECT: 'reject',
  RETURN: 'return',
  DNAT: 'dnat',
  REDIRECT: 'redirect',
  SNAT: 'snat',
  MASQUERADE: 'snat',
};
/** Targets after which a packet goes on; any other word is a chain. */
const GOES_ON =
  /^(?:LOG|ULOG|NFLOG|MARK|CONNMARK|CT|NOTRACK|TCPMSS|TTL|TOS|DSCP|CLASSIFY|SET|NETMAP|AUDIT|TRACE|TEE|CHECKSUM|ECN|-)$/;

/**
 * The effect of a rule in words: as `iptables-save` prints it behind its chain, or as it was typed for ipchains, where
 * a port follows its address.
 */
export function effectOf(words: readonly string[]): Effect {
  const at = words.findIndex((word) => word === '-j' || word === '-g');
  const [matches, target] = at < 0 ? [words, []] : [words.slice(0, at), words.slice(at + 1)];
  const [verdict = '-', ...options] = target;
  let found: Omit<Effect, 'verdict'> = ANY;
  matches.forEach((flag, index) => {
    if (!flag.startsWith('-')) return;
    const read = Object.hasOwn(FLAGS, flag) ? FLAGS[flag] : undefined;
    const value = matches[index + 1] ?? '';
    const negated = matches[index - 1] === '!' || value === '!';
    const says = negated || value.startsWith('$') ? {} : (read?.(value) ?? {});
    const port = matches[index + (value === '!' ? 3 : 2)] ?? '-';
    const ports = /^-[sd]$/.test(flag) && /^\d/.test(port) ? { [END[flag] ?? '']: portsIn(port) } : {};
    const asked = flag === '--helper' && !negated ? { helper: value } : {};
    const conditions = [...found.conditions, ...(says.conditions ?? [])];
    const always = found.always && (read === null || (flag === '-m' && value === 'comment'));
    const isKnown = flag === '-m' ? MATCHES.includes(value) : read !== undefined || OF_A_SYN.includes(flag);
    const understood = found.understood && isKnown && !negated;
    found = { ...found, ...says, ...ports, ...asked, conditions, always, understood };
  });
  const helper = verdict === 'CT' ? options[options.indexOf('--helper') + 1] : undefined;
  const attaches = options.includes('--helper') ? (helper ?? null) : null;
  return { ...found, attaches, verdict: VERDICTS[verdict] ?? (GOES_ON.test(verdict) ? 'none' : 'jump') };
}

const END: Readonly<Record<string, 'sourcePorts' | 'destinationPorts'>> = {
  '-s': 'sourcePorts',
  '-d': 'destinationPorts',
};

function addresses(text: string): string[] {
  return text.split(',').map((address) => address.replace(/\/32$/, ''));
}

/** Ports as lists of ranges: `21`, `1024:65535`, `20,21`; none of what is no number. */
function portsIn(text: string): PortRange[] {
  return text.split(',').flatMap((part) => {
    try {
      return [parsePorts(part, ':', [0, 65535])];
    } catch {
      return [];
    }
  });
}

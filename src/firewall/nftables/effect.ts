import { ANY, type Condition, type Effect } from '../effect';
import type { PortRange } from '../kinds';
import type { NftExpression, NftRule } from './json';

/** The effect of a rule as nft lists it. @param helpers types of helpers by the name of their object in the rule's table */
export function nftEffect({ expr }: NftRule, helpers: ReadonlyMap<string, string>): Effect {
  let found: Effect = { ...ANY, verdict: 'none' };
  for (const part of expr) {
    const [kind = '', value] = Object.entries(part)[0] ?? [];
    if (kind === 'match') found = matched(found, value as Match);
    else if (kind === 'ct helper')
      found = { ...found, attaches: helpers.get(String(value)) ?? String(value) };
    else if (kind === 'limit' || kind === 'quota' || kind === 'ct count')
      found = { ...found, limited: true, always: false };
    else if (kind === 'vmap') found = mapped(found, value as VerdictMap);
    else if (Object.hasOwn(VERDICTS, kind)) found = { ...found, verdict: VERDICTS[kind] ?? 'none' };
    // Statements that change a packet or tell of it ask nothing; what is listed in words is not known.
    else if (!GOES_ON.includes(kind)) found = { ...found, always: false, understood: false };
  }
  return found;
}

const VERDICTS: Readonly<Record<string, Effect['verdict']>> = {
  accept: 'accept',
  drop: 'drop',
  reject: 'reject',
  return: 'return',
  jump: 'jump',
  goto: 'jump',
  dnat: 'dnat',
  redirect: 'redirect',
  snat: 'snat',
  masquerade: 'snat',
};
const GOES_ON = [
  'counter',
  'log',
  'mangle',
  'notrack',
  'continue',
  'set',
  'map',
  'ct timeout',
  'ct expectation',
];

interface Match {
  readonly op: string;
  readonly left: NftExpression;
  readonly right: unknown;
}

interface VerdictMap {
  readonly key: NftExpression;
  readonly data: { readonly set?: readonly (readonly [unknown, NftExpression])[] } | string;
}

function matched(found: Effect, { op, left, right }: Match): Effect {
  const asks = { ...found, always: false };
  const { protocol = '', field = '' } = (left['payload'] ?? {}) as { protocol?: string; field?: string };
  const unknown = { ...asks, understood: false, protocols: asked(found, protocol) };
  if (op !== '==' && op !== 'in') return unknown;
  const { key } = (left['meta'] ?? left['ct'] ?? {}) as { key?: string };
  const values = elements(right);
  const texts = values.map(inWords);
  // Those of a named set are not known.
  if (texts.includes(null)) return unknown;
  const named = texts.flatMap((text) => text ?? []);
  const condition = (on: Condition['on']): Effect => {
    return { ...asks, conditions: [...found.conditions, { on, any: named }] };
  };
  if ('meta' in left && (key === 'iif' || key === 'iifname')) return condition('in');
  if ('meta' in left && (key === 'oif' || key === 'oifname')) return condition('out');
  if (protocol === 'ip' && field === 'saddr') return condition('source');
  if (protocol === 'ip' && field === 'daddr') return condition('destination');
  if (('meta' in left && key === 'l4proto') || (protocol === 'ip' && field === 'protocol'))
    return { ...asks, protocols: named };
  if ('ct' in left && key === 'state') return { ...asks, states: named };
  if ('ct' in left && key === 'helper') return { ...unknown, helper: named[0] ?? null };
  if (field !== 'sport' && field !== 'dport') return unknown;
  const ports = values.flatMap(portRange);
  const ended = field === 'sport' ? { sourcePorts: ports } : { destinationPorts: ports };
  return { ...asks, ...ended, protocols: asked(found, protocol) };
}

/** A header of a protocol asks for the protocol; nft lists no match of its own for that. */
function asked({ protocols }: Effect, protocol: string): Effect['protocols'] {
  return ['tcp', 'udp', 'icmp', 'sctp', 'dccp'].includes(protocol) ? [protocol] : protocols;
}

/** A map of states that does one thing to some of them is a rule for these. */
function mapped(found: Effect, { key, data }: VerdictMap): Effect {
  const map = { ...found, verdict: 'map', always: false, understood: false } as const;
  const { key: what } = (key['ct'] ?? {}) as { key?: string };
  const entries = typeof data === 'string' ? [] : (data.set ?? []);
  const accepted = entries.filter(([, verdict]) => 'accept' in verdict).map(([state]) => String(state));
  if (what !== 'state' || accepted.length === 0) return map;
  return { ...map, verdict: 'accept', states: accepted };
}

function elements(right: unknown): readonly unknown[] {
  if (Array.isArray(right)) return right;
  if (typeof right !== 'object' || right === null || !('set' in right)) return [right];
  return Array.isArray(right.set) ? right.set : [right.set];
}

/** A value in words; null for one that has none. */
function inWords(value: unknown): string | null {
  if (typeof value === 'string') return value.startsWith('@') ? null : value;
  if (typeof value === 'number') return String(value);
  const { prefix, range } = (value ?? {}) as { prefix?: { addr: string; len: number }; range?: unknown[] };
  if (prefix) return `${prefix.addr}/${prefix.len}`;
  return range ? range.join('-') : null;
}

function portRange(value: unknown): PortRange[] {
  if (typeof value === 'number') return [[value, value]];
  const { range } = (value ?? {}) as { range?: readonly [number, number] };
  return range ? [range] : [];
}

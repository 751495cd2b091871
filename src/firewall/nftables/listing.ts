import type { Loaded, LoadedRule } from '../effect';
import type { Policy } from '../kinds';
import { nftEffect } from './effect';
import type { NftExpression, NftRule } from './json';
import { FORWARD, TABLE } from './ruleset';

interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: Policy;
}

interface NftHelper {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

interface NftObject {
  readonly rule?: NftRule;
  readonly chain?: NftChain;
  readonly 'ct helper'?: NftHelper;
}

/** What a rule of the kernel's is to the owner: a row, or the lab's own counter of what got to a chain's policy. */
export type Standing = number | 'policy' | null;

/** Where the owner's rows stand: for each chain what its rules are, in their order. */
export type Standings = ReadonlyMap<string, readonly Standing[]>;

/** A row's or a policy's own count. */
export interface NftCounter {
  readonly row: number | 'policy';
  /** the chain it stands in, e.g. `ip office forward` */
  readonly chain: string;
  /** that chain's, where packets that no row speaks of meet one */
  readonly policy: Policy | null;
  readonly packets: number;
  readonly bytes: number;
}

/** `nft -j list ruleset`, read. */
export class NftListing {
  readonly rules: readonly NftRule[];
  /** rules by their chain, in their order */
  readonly byChain: ReadonlyMap<string, readonly NftRule[]>;
  /** chains that a forwarded packet meets by itself, and their policies */
  readonly forwarding: ReadonlyMap<string, Policy>;
  private readonly chains: ReadonlyMap<string, NftChain>;
  private readonly helpers: readonly NftHelper[];

  constructor(nftables: readonly NftObject[]) {
    this.rules = nftables.flatMap(({ rule }) => rule ?? []);
    this.byChain = byChain(this.rules);
    const chains = nftables.flatMap(({ chain }) => chain ?? []);
    this.chains = new Map(chains.map((chain) => [placeOf({ ...chain, chain: chain.name }), chain]));
    const base = [...this.chains].filter(([, { type, hook }]) => type === 'filter' && hook === 'forward');
    this.forwarding = new Map(base.map(([place, { policy }]) => [place, policy ?? 'accept']));
    this.helpers = nftables.flatMap((object) => object['ct helper'] ?? []);
  }

  /** What the owner's rules do. */
  loaded(standing: Standings): Loaded {
    const loaded = [...standing].flatMap(([place, rows]) => {
      const rules = this.byChain.get(place) ?? [];
      const { family, table, hook = null, prio: priority = null } = this.chains.get(place) ?? {};
      const helpers = this.helpers.filter((helper) => helper.family === family && helper.table === table);
      const types = new Map(helpers.map(({ name, type }) => [name, type]));
      return rows.flatMap((row, index): LoadedRule[] => {
        const rule = rules[index];
        if (typeof row !== 'number' || !rule) return [];
        return [{ row, chain: place, hook, priority, does: nftEffect(rule, types) }];
      });
    });
    return { rules: loaded, helpers: [...new Set(this.helpers.map(({ type }) => type))] };
  }
}

function byChain(rules: readonly NftRule[]): Map<string, NftRule[]> {
  const found = new Map<string, NftRule[]>();
  for (const rule of rules) {
    const place = placeOf(rule);
    const others = found.get(place);
    if (others) others.push(rule);
    else found.set(place, [rule]);
  }
  return found;
}

/** A chain by the name that a listing knows it by, e.g. `ip office forward`. */
function placeOf({ family, table, chain }: Pick<NftRule, 'family' | 'table' | 'chain'>): string {
  return `${family} ${table} ${chain}`;
}

/** What tells a rule from all others (a handle alone is of its table). */
export function ruleId(rule: NftRule): string {
  return `${placeOf(rule)} ${rule.handle}`;
}

/**
 * Whether a rule is one of the owner's by itself: all are but those of the lab's own table, of which only its forward
 * chain is, and of chains without a name (`jump { … }`), which are part of another rule.
 */
export function isOwners({ family, table, chain }: NftRule): boolean {
  return (family !== 'ip' || table !== TABLE || chain === FORWARD) && !/^__chain\d+$/.test(chain);
}

/** What `nft -j list ruleset` printed. */
export function listed(json: string): NftListing {
  return new NftListing((JSON.parse(json) as { nftables: readonly NftObject[] }).nftables);
}

/**
 * What a ruleset added, in the order of its text: what `nft -j --echo` prints of it, which is nothing where there is
 * nothing.
 */
export function added(echo: string): NftListing {
  if (echo.trim() === '') return new NftListing([]);
  const { nftables } = JSON.parse(echo) as {
    nftables: readonly { readonly add?: NftObject; readonly insert?: NftObject }[];
  };
  return new NftListing(nftables.flatMap(({ add, insert }) => add ?? insert ?? []));
}

/** Statements that end a rule. What stands before them counts what they are done to. */
const LAST: ReadonlySet<string> = new Set([
  ...['accept', 'drop', 'continue', 'return', 'jump', 'goto', 'vmap', 'queue', 'reject'],
  ...['masquerade', 'snat', 'dnat', 'redirect', 'tproxy', 'synproxy', 'notrack'],
]);

function counted(rule: NftRule): NftRule {
  const last = Object.keys(rule.expr.at(-1) ?? {})[0] ?? '';
  const at = LAST.has(last) ? rule.expr.length - 1 : rule.expr.length;
  return { ...rule, expr: [...rule.expr.slice(0, at), COUNTER, ...rule.expr.slice(at)] };
}

const COUNTER: NftExpression = { counter: null };

/** Commands that `nft -j` takes or refuses together. */
export type NftCommands = readonly Readonly<Record<string, unknown>>[];

/**
 * Puts a counter of the lab's own into a rule, before its verdict: the rule again with one, right behind itself, and it
 * goes. `replace`, which would be one command for it, is not safe in nft 1.0.6.
 */
export function withCounter(rule: NftRule): NftCommands {
  const { family, table, chain, handle } = rule;
  return [{ add: { rule: counted(rule) } }, { delete: { rule: { family, table, chain, handle } } }];
}

/** The same for all rules of a chain that has very many: it is emptied, and gets them anew. */
export function emptied(chain: string): NftCommands {
  const [family, table, name] = chain.split(' ');
  return [{ flush: { chain: { family, table, name } } }];
}

export function addedWithCounter(rule: NftRule): NftCommands {
  const { family, table, chain, comment, expr } = counted(rule);
  return [{ add: { rule: { family, table, chain, expr, ...(comment !== undefined && { comment }) } } }];
}

/** Puts a counter where a chain comes to its policy. */
export function policyCounter(place: string): NftCommands {
  const [family, table, chain] = place.split(' ');
  return [{ add: { rule: { family, table, chain, expr: [COUNTER], comment: 'policy' } } }];
}

/** Where everything stands, once the chains to be counted have their counter at the end. */
export function standings(listing: NftListing, rowOf: (rule: NftRule) => number | null): Standings {
  const forwarding = [...listing.forwarding.keys()];
  const found = new Map<string, Standing[]>(forwarding.map((chain) => [chain, []]));
  for (const [chain, rules] of listing.byChain) found.set(chain, rules.map(rowOf));
  for (const chain of forwarding) found.get(chain)?.push('policy');
  return found;
}

/** The counters of what stands where, from `nft -j list ruleset`: of each rule the last, which is the lab's own. */
export function nftCounters({ byChain: rules, forwarding }: NftListing, standing: Standings): NftCounter[] {
  return [...standing].flatMap(([chain, rows]) =>
    rows.flatMap((row, index): NftCounter[] => {
      const { expr = [] } = rules.get(chain)?.[index] ?? {};
      const counter = expr.findLast((part) => part['counter'])?.['counter'];
      if (row === null || !isCounter(counter)) return [];
      const { packets, bytes } = counter;
      return [{ row, chain, policy: forwarding.get(chain) ?? null, packets, bytes }];
    }),
  );
}

function isCounter(value: unknown): value is { packets: number; bytes: number } {
  return typeof value === 'object' && value !== null && 'packets' in value && 'bytes' in value;
}

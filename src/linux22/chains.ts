import { KernelRule, type Interface, type RowNumber } from './kernel-rule';
import { logLine } from './log-line';
import { TCP, type Packet } from './packet';
import {
  BUILT_IN_CHAINS,
  bothWays,
  isBuiltIn,
  type BuiltInChain,
  type IpchainsAction,
  type IpchainsRule,
  type PolicyTarget,
  type Target,
} from '../firewall/ipchains/rule';

/** What a built-in chain says about a packet. */
export type Verdict = 'ACCEPT' | 'DENY' | 'REJECT' | 'MASQ' | 'REDIRECT';

/** A chain of the kernel; policy and counters of what falls to it are a built-in one's only. */
export interface Chain {
  readonly name: string;
  policy: PolicyTarget | null;
  readonly rules: KernelRule[];
  packets: number;
  bytes: number;
  /** policy: what falls to its policy counts for the policy of the owner's rules */
  row: 'policy' | null;
}

/** A match in a chain, for those who asked for them. `number` is the rule's, from 1; 0 is the policy. */
export interface ChainHit {
  readonly chain: string;
  readonly number: number;
  readonly row: RowNumber | null;
  readonly via: Interface;
}

/** An error of the kernel's, in the words ipchains has for it (libipfwc.c, ipfwc_strerror). */
export class ChainError extends Error {}

const NO_CHAIN = 'No chain by that name';

/** Falling off the end of a chain is the same as returning from it. */
const FALLEN_OFF: Target = { kind: 'special', name: 'RETURN' };
const NO_MATCH = 'bad rule (does a matching rule exist in that chain?)';

/** The firewall chains (ip_fw.c): input, forward and output, and those the user adds. */
export class Chains {
  readonly #chains = new Map<string, Chain>();
  readonly #built: Readonly<Record<BuiltInChain, Chain>>;
  /** called for each match when set */
  onHit: ((hit: ChainHit, packet: Packet) => void) | null = null;
  /** called with the line the kernel would log for rules with `-l` */
  onLog: ((line: string) => void) | null = null;
  /** a rule with REDIRECT has been there: from then on, for good, fragments are put together (ip_fw.c) */
  hasRedirected = false;
  /** where a packet came from in each chain it has jumped out of */
  readonly #back: { readonly chain: Chain; readonly index: number }[] = [];

  constructor() {
    const built = (name: BuiltInChain): Chain => {
      const chain: Chain = { name, policy: 'ACCEPT', rules: [], packets: 0, bytes: 0, row: null };
      this.#chains.set(name, chain);
      return chain;
    };
    this.#built = { input: built('input'), forward: built('forward'), output: built('output') };
  }

  /** All chains, the built-in ones first, then the user's as they were made. */
  all(): readonly Chain[] {
    return [...this.#chains.values()];
  }

  policies(): Readonly<Record<BuiltInChain, PolicyTarget>> {
    const of = (name: BuiltInChain): PolicyTarget => this.#built[name].policy ?? 'ACCEPT';
    return { input: of('input'), forward: of('forward'), output: of('output') };
  }

  /** Has what falls to these chains' policies count for the policy of the owner's rules, and to no others'. */
  countPolicies(names: readonly BuiltInChain[]): void {
    for (const name of BUILT_IN_CHAINS) this.#built[name].row = names.includes(name) ? 'policy' : null;
  }

  /** Names of the user's chains. */
  userChains(): string[] {
    return [...this.#chains.keys()].filter((name) => !isBuiltIn(name));
  }

  /** How many rules jump to a chain; the kernel counts one more for a built-in one. */
  references(name: string): number {
    let count = isBuiltIn(name) ? 1 : 0;
    for (const { rules } of this.#chains.values()) {
      for (const { rule } of rules) {
        if (rule.target?.kind === 'chain' && rule.target.chain === name) count += 1;
      }
    }
    return count;
  }

  /**
   * Sends a packet through a built-in chain (ip_fw.c, ip_fw_check). Counters count, `-t` and `-m` change the
   * packet on the way.
   *
   * @param via where the packet came in (input), or where it will leave (forward and output)
   */
  check(name: BuiltInChain, via: Interface, packet: Packet): Verdict {
    const verdict = this.#walk(this.#built[name], via, packet, false);
    return verdict === 'LOOP' || verdict === 'RETURN' ? 'DENY' : verdict;
  }

  /**
   * What would become of a packet (ip_fw.c, ip_fw_ctl, IP_FW_CHECK): nothing counts, is logged, or changes the packet.
   *
   * @returns LOOP: it would be caught in one; RETURN: it passed through a user's chain
   * @throws a ChainError for a chain there is not
   */
  test(name: string, via: Interface, packet: Packet): Verdict | 'LOOP' | 'RETURN' {
    return this.#walk(this.#chain(name), via, packet, true);
  }

  #walk(start: Chain, via: Interface, packet: Packet, testing: boolean): Verdict | 'LOOP' | 'RETURN' {
    // A fragment that would overwrite the flags, and a first one too short to have them: attempts to get past.
    if (packet.protocol === TCP && packet.fragmentOffset === 1) return 'DENY';
    const unknown = !packet.portsKnown;
    if (unknown && packet.fragmentOffset === 0 && packet.moreFragments) return 'DENY';
    const back = this.#back;
    back.length = 0;
    let chain = start;
    let index = 0;
    for (;;) {
      const rule = chain.rules[index];
      index += 1;
      if (rule && !rule.matches(packet, via, unknown)) continue;
      if (rule && !testing) this.#matched(chain, rule, index, via, packet);
      const target = rule ? rule.rule.target : FALLEN_OFF;
      if (!target) continue;
      if (target.kind === 'redirect') return 'REDIRECT';
      if (target.kind === 'chain') {
        const next = this.#chains.get(target.chain);
        // A chain that is being gone through already is a loop, which the kernel ends by blocking.
        if (!next) return 'DENY';
        if (next === chain || back.some((place) => place.chain === next)) {
          if (!testing) this.#logLoop(next, chain);
          return 'LOOP';
        }
        back.push({ chain, index });
        chain = next;
        index = 0;
        continue;
      }
      if (target.name !== 'RETURN') return target.name;
      const place = back.pop();
      if (!place) {
        if (testing) return chain.policy ?? 'RETURN';
        return this.#policy(chain, via, packet);
      }
      ({ chain, index } = place);
    }
  }

  /** ip_fw.c, ip_fw_check and cleanup. */
  #logLoop(at: Chain, last: Chain): void {
    const trace = [last.name, ...this.#back.map(({ chain }) => chain.name).reverse()];
    this.onLog?.(`IP firewall: Loop detected at \`${at.name}'.`);
    this.onLog?.(`Chain backtrace: ${trace.join('<-')}`);
  }

  #policy(chain: Chain, via: Interface, packet: Packet): Verdict {
    chain.packets += 1;
    chain.bytes += packet.length;
    this.onHit?.({ chain: chain.name, number: 0, row: chain.row, via }, packet);
    return chain.policy ?? 'DENY';
  }

  /** ip_fw.c, ip_fw_domatch. */
  #matched(chain: Chain, kernelRule: KernelRule, number: number, via: Interface, packet: Packet): void {
    kernelRule.packets += 1;
    kernelRule.bytes += packet.length;
    const { rule, row } = kernelRule;
    if (rule.log) this.onLog?.(logLine(chain.name, rule, number, via, packet));
    if (rule.tos) {
      const tos = (packet.tos & rule.tos.and) ^ rule.tos.xor;
      if (tos !== packet.tos) packet.setTos(tos);
    }
    if (rule.mark) packet.mark = (rule.mark.absolute ? rule.mark.value : packet.mark + rule.mark.value) >>> 0;
    if (this.onHit) this.onHit({ chain: chain.name, number, row, via }, packet);
  }

  /**
   * Does what a command says; lists and timeouts are not the chains' business and change nothing here.
   *
   * @param row the row of the owner's rules the command is; null: it is not of these
   * @throws a ChainError with ipchains' words
   */
  apply(action: IpchainsAction, row: RowNumber | null = null): void {
    switch (action.kind) {
      case 'append':
        for (const rule of bothWays(action.rule)) this.#chain(action.chain).rules.push(this.#made(rule, row));
        return;
      case 'insert':
        for (const rule of bothWays(action.rule)) this.#insert(action.chain, action.at, rule, row);
        return;
      case 'replace':
        this.#at(action.chain, action.at);
        this.#chain(action.chain).rules[action.at - 1] = this.#made(action.rule, row);
        return;
      case 'delete':
        for (const rule of bothWays(action.rule)) this.#delete(action.chain, rule);
        return;
      case 'delete-number':
        this.#deleteNumber(action.chain, action.at);
        return;
      case 'policy':
        this.#built[action.chain].policy = action.target;
        if (row === 'policy') this.#built[action.chain].row = row;
        return;
      case 'flush':
        for (const chain of this.#some(action.chain)) chain.rules.length = 0;
        return;
      case 'zero':
        for (const chain of this.#some(action.chain)) zero(chain);
        return;
      case 'new-chain':
        if (this.#chains.has(action.chain)) throw new ChainError('Chain already exists');
        this.#chains.set(action.chain, {
          name: action.chain,
          policy: null,
          rules: [],
          packets: 0,
          bytes: 0,
          row: null,
        });
        return;
      case 'delete-chain':
        if (action.chain === null) this.#deleteChains();
        else this.#deleteChain(action.chain);
        return;
      case 'list':
      case 'list-masquerade':
      case 'timeouts':
        return;
    }
  }

  #made(rule: IpchainsRule, row: RowNumber | null): KernelRule {
    if (rule.target?.kind === 'redirect') this.hasRedirected = true;
    return new KernelRule(rule, row);
  }

  #chain(name: string): Chain {
    const chain = this.#chains.get(name);
    if (!chain) throw new ChainError(NO_CHAIN);
    return chain;
  }

  #some(name: string | null): readonly Chain[] {
    return name === null ? this.all() : [this.#chain(name)];
  }

  #at(name: string, number: number): KernelRule {
    const { rules } = this.#chain(name);
    const rule = rules[number - 1];
    if (!rule) throw new ChainError(`${NO_MATCH}; ${name} has ${countRules(rules.length)}, found ${number}`);
    return rule;
  }

  /** ip_fw.c, insert_in_chain: behind the last rule is the last place there is. */
  #insert(name: string, at: number, rule: IpchainsRule, row: RowNumber | null): void {
    const { rules } = this.#chain(name);
    if (at > rules.length + 1) {
      throw new ChainError(
        `${NO_MATCH}; ${name} has ${countRules(rules.length)}, so allowed: 1 to ${rules.length + 1}, found ${at}`,
      );
    }
    rules.splice(at - 1, 0, this.#made(rule, row));
  }

  /** ip_fw.c, del_rule_from_chain: the first one that says the same; marks are not compared. */
  #delete(name: string, rule: IpchainsRule): void {
    const { rules } = this.#chain(name);
    const wanted = identity(rule);
    const index = rules.findIndex((one) => identity(one.rule) === wanted);
    if (index < 0) throw new ChainError(NO_MATCH);
    rules.splice(index, 1);
  }

  /** Past the end the kernel says ENOENT, for which ipchains has but these words (ip_fw.c, del_num_from_chain). */
  #deleteNumber(name: string, number: number): void {
    const { rules } = this.#chain(name);
    if (!rules[number - 1])
      throw new ChainError(`${NO_CHAIN}; ${name} has ${countRules(rules.length)}, found ${number}`);
    rules.splice(number - 1, 1);
  }

  /** All that can be: one in use keeps no other (ipchains.c, for_each_chain). @throws what the first had against it */
  #deleteChains(): void {
    const failures = this.userChains().flatMap((name) => {
      try {
        this.#deleteChain(name);
        return [];
      } catch (error) {
        return [error];
      }
    });
    for (const failure of failures) throw failure as ChainError;
  }

  #deleteChain(name: string): void {
    const { rules } = this.#chain(name);
    const references = this.references(name);
    if (references > 0)
      throw new ChainError(`Device or resource busy; rules that jump to ${name}: ${references}`);
    if (rules.length > 0) throw new ChainError(`Chain is not empty; -F ${name} empties it`);
    this.#chains.delete(name);
  }
}

function countRules(count: number): string {
  return count === 1 ? '1 rule' : `${count === 0 ? 'no' : count} rules`;
}

/** ip_fw.c, zero_fw_chain: the rules' counters; what fell to the policy stays. */
function zero(chain: Chain): void {
  for (const rule of chain.rules) {
    rule.packets = 0;
    rule.bytes = 0;
  }
}

function identity(rule: IpchainsRule): string {
  return JSON.stringify({ ...rule, mark: null });
}

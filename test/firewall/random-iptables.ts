import fc from 'fast-check';
import { iptablesRule, type Rule } from './random-iptables-rule';
import { policy, type RandomFirewall } from './random-vocabulary';

type ChainName = 'FORWARD' | 'mine';

/** What is done to a chain. `pick` chooses one of the rules that stand there, modulo their count. */
interface Change {
  readonly command:
    'append' | 'append again' | 'insert' | 'insert at' | 'replace' | 'delete' | 'delete words';
  readonly chain: ChainName;
  readonly pick: number;
  readonly rule: Rule;
}

const change: fc.Arbitrary<Change> = fc
  .constantFrom<ChainName[]>('FORWARD', 'FORWARD', 'mine')
  .chain((chain) =>
    fc.record({
      command: fc.constantFrom<Change['command'][]>(
        ...(['append', 'append', 'append', 'append', 'append', 'append again'] as const),
        ...(['insert', 'insert at', 'replace', 'delete', 'delete words'] as const),
      ),
      chain: fc.constant(chain),
      pick: fc.nat(),
      rule: iptablesRule(chain),
    }),
  );

/** Lists of iptables commands, and the chains they leave behind: FORWARD, and one of our own. */
export const randomIptables: fc.Arbitrary<RandomFirewall> = fc
  .record({ policy, changes: fc.array(change, { minLength: 8, maxLength: 18, size: 'max' }) })
  .map(({ policy, changes }) => {
    const typed = new Typed();
    changes.forEach((each) => {
      typed.type(each);
    });
    const mine = typed.chains.mine.map((standing) => ({ standing, row: standing.rule.row([]) }));
    const rows = mine.map(({ row }) => row);
    const forward = typed.chains.FORWARD.map((standing) => ({ standing, row: standing.rule.row(rows) }));
    const rowOf = new Map([...mine, ...forward].map(({ standing, row }) => [standing, row]));
    return {
      kind: 'iptables',
      policy,
      rules: ['iptables -N mine', ...typed.lines, ''].join('\n'),
      chain: forward.map(({ row }) => row),
      numbered: typed.numbered.map((standing) => rowOf.get(standing) ?? null),
    };
  });

interface Standing {
  readonly rule: Rule;
}

/** Commands typed one after the other, and what stands where after them. */
class Typed {
  readonly lines: string[] = [];
  readonly chains: Readonly<Record<ChainName, Standing[]>> = { FORWARD: [], mine: [] };
  /** every rule that was ever put anywhere, in that order */
  readonly numbered: Standing[] = [];
  type({ command, chain, pick, rule }: Change): void {
    const rules = this.chains[chain];
    const at = rules.length === 0 ? 0 : pick % rules.length;
    const picked = rules[at];
    // One number is one rule in the kernel: of a rule with a list of addresses it would be a part.
    const whole = picked?.rule.copies === 1 && rule.copies === 1;
    if (command === 'insert') this.put(`-I ${chain}`, rule, chain, 0);
    else if (command === 'insert at' && picked) {
      this.put(`-I ${chain} ${this.number(chain, at)}`, rule, chain, at);
    } else if (command === 'delete words' && picked) this.deleteWords(chain, picked.rule);
    else if (command === 'delete' && whole) {
      this.lines.push(`-D ${chain} ${this.number(chain, at)}`);
      rules.splice(at, 1);
    } else if (command === 'replace' && whole) {
      const number = this.number(chain, at);
      rules.splice(at, 1);
      this.put(`-R ${chain} ${number}`, rule, chain, at);
    } else {
      const again = command === 'append again' ? picked?.rule : undefined;
      this.put(`-A ${chain}`, again ?? rule, chain, rules.length);
    }
  }

  private put(command: string, rule: Rule, chain: ChainName, at: number): Standing {
    const standing = { rule };
    this.lines.push(`${command} ${rule.text}`.trimEnd());
    this.numbered.push(standing);
    this.chains[chain].splice(at, 0, standing);
    return standing;
  }

  /** iptables takes the first that reads the same. */
  private deleteWords(chain: ChainName, { text }: Rule): void {
    const rules = this.chains[chain];
    const at = rules.findIndex(({ rule }) => rule.text === text);
    const first = rules[at];
    if (!first) return;
    rules.splice(at, 1);
    this.lines.push(`-D ${chain} ${text}`.trimEnd());
  }

  /** The number iptables has for the rule at a place, from 1. */
  private number(chain: ChainName, at: number): number {
    return this.chains[chain].slice(0, at).reduce((sum, { rule }) => sum + rule.copies, 1);
  }
}

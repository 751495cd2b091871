import { effectOf, type Loaded, type LoadedRule } from '../effect';
import { words } from '../words';

/**
 * The owner's rules in what `iptables-save -c` prints, by the mark with their row's number. A row that became several
 * rules, for it has a list of addresses, is the first of them, with the addresses of all.
 */
export function loadedByIptables(saved: string): Loaded {
  const found = new Map<number, LoadedRule>();
  const helpers = new Set<string>();
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain = '', rest = ''] = /^(?:\[\d+:\d+\] )?-A (\S+)(.*)$/.exec(line) ?? [];
    // The lab's own rules, too, have the kernel get what they name.
    const helper = / -j CT .*--helper (\S+)/.exec(rest)?.[1];
    if (helper !== undefined) helpers.add(helper);
    const row = Number(/--comment "row (\d+)"/.exec(rest)?.[1]);
    if (Number.isNaN(row)) continue;
    const does = effectOf(words(rest.trim()).map(({ text }) => text));
    const before = found.get(row);
    const merged = before ? { ...does, conditions: either(before.does.conditions, does.conditions) } : does;
    const hook = HOOKS.includes(chain) ? chain.toLowerCase() : null;
    found.set(row, { row, chain: `${table} ${chain}`, hook, priority: null, does: merged });
  }
  return { rules: [...found.values()], helpers: [...helpers] };
}

const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

type Conditions = LoadedRule['does']['conditions'];

function either(first: Conditions, second: Conditions): Conditions {
  return first.map(({ on, any }, index) => {
    return { on, any: [...new Set([...any, ...(second[index]?.any ?? [])])] };
  });
}

import { LabFailure, type Lab } from '../engine/host';
import { effectOf, type Loaded } from '../firewall/effect';
import { readIptablesCounters } from '../firewall/iptables/dialect';
import { loadedByIptables } from '../firewall/iptables/loaded';
import type { Policy } from '../firewall/kinds';
import { listed as listedByNft, nftCounters } from '../firewall/nftables/listing';
import { oneLine, words } from '../firewall/words';
import type { Plan } from '../plan/plan';
import type { RawEvent } from './event';

interface Counter {
  readonly row: number | 'policy';
  /** of nftables, where there may be several policies: the chain, and its own */
  readonly chain?: string;
  readonly policy?: Policy | null;
  readonly packets: number;
  readonly bytes: number;
}

/** What the firewall says of its rules: how often each matched, and what it does. */
interface Listing {
  readonly counters: readonly Counter[];
  /** asked for once a run, where counters are read after each transfer that fails */
  readonly loaded: () => Loaded;
}

/**
 * The legacy variant finds the tables' names in a file that an ordinary user may not read; asked for each
 * by its name it needs none.
 */
const SAVE =
  'iptables-save -c 2> /dev/null || for table in raw mangle nat filter security; do iptables-save -c -t $table || exit; done';

/** Reads the counter of every row and of the policy, and what every row does. */
export async function readRules(
  lab: Lab,
  at: number,
): Promise<{ readonly events: RawEvent[]; readonly loaded: () => Loaded }> {
  const { counters, loaded } = await listed(lab);
  return { events: ruleEvents(lab.plan, counters, at), loaded };
}

function ruleEvents({ firewall }: Plan, found: readonly Counter[], at: number): RawEvent[] {
  // The policy speaks last.
  const counters = [...found].sort((a, b) => order(a) - order(b));
  const several = counters.filter(({ row }) => row === 'policy').length > 1;
  return counters.map(({ row, chain, policy: own, packets, bytes }): RawEvent => {
    const policy = own ?? firewall.policy;
    const whose = several && chain !== undefined ? ` of chain ${chain}` : '';
    const text = row === 'policy' ? `policy ${policy}${whose}` : oneLine(firewall.rows[row - 1]?.text ?? '');
    return {
      kind: 'rule',
      at,
      vantage: 'rules',
      text: `${row === 'policy' ? '' : `row ${row}: `}${text} — ${packets} packets`,
      row,
      rule: text,
      stops: row === 'policy' ? policy === 'drop' : (firewall.rows[row - 1]?.stops ?? false),
      packets,
      bytes,
    };
  });
}

async function listed({ hosts, plan, router, standings }: Lab): Promise<Listing> {
  if (router) return { counters: await router.counters(), loaded: () => loadedByIpchains(plan) };
  const argv = standings ? ['nft', '-j', 'list', 'ruleset'] : ['sh', '-c', SAVE];
  const { code, stdout, stderr } = await hosts.firewall.exec(argv);
  if (code !== 0)
    throw new LabFailure(`the rules of ${plan.firewall.kind} can't be listed: ${stderr.trim()}`);
  const text = stdout.toString('utf8');
  if (!standings) return { counters: readIptablesCounters(text), loaded: () => loadedByIptables(text) };
  const listing = listedByNft(text);
  return { counters: nftCounters(listing, standings), loaded: () => listing.loaded(standings) };
}

/** Rules of ipchains as they were given to it, or typed by a start script. */
function loadedByIpchains({ firewall }: Plan): Loaded {
  const lines = firewall.ruleset.text.split('\n');
  const given = new Map(firewall.ruleset.rowLines.map(({ row, line }) => [row, lines[line - 1]]));
  const rules = firewall.rows.map(({ row, text }) => {
    const [chain = '', ...rule] = words((given.get(row) ?? text).replace(/^.*?\s-[AIR]\s+/, '')).map(
      (word) => word.text,
    );
    const hook = ['input', 'forward', 'output'].includes(chain) ? chain : null;
    return { row, chain, hook, priority: null, does: effectOf(rule) };
  });
  return { rules, helpers: [] };
}

function order({ row }: Counter): number {
  return row === 'policy' ? Number.POSITIVE_INFINITY : row;
}

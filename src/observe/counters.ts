import { LabFailure, type Lab } from '../engine/host';
import { effectOf, type Loaded } from '../firewall/effect';
import { readIptablesCounters } from '../firewall/iptables/dialect';
import { loadedByIptables } from '../firewall/iptables/loaded';
import type { Policy } from '../firewall/kinds';
import { listed as listedByNft, nftCounters } from '../firewall/nftables/listing';
import { oneLine, words } from '../firewall/words';
import type { Plan } from '../plan/plan';
import type { RawEvent } from './event';
import type { RowOf } from './trace-packets';
import { iptablesRows, nftRows } from './trace-rows';

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
  /** which rules of a trace are which rows; null where the kernel traces none of them */
  readonly rowOf: (() => Promise<RowOf>) | null;
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
): Promise<{ readonly events: RawEvent[] } & Pick<Listing, 'loaded' | 'rowOf'>> {
  const { counters, ...rest } = await listed(lab);
  return { events: ruleEvents(lab.plan, counters, at), ...rest };
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

async function listed(lab: Lab): Promise<Listing> {
  const { plan, router, standings } = lab;
  if (router) return { counters: await router.counters(), loaded: () => loadedByIpchains(plan), rowOf: null };
  if (standings) {
    const listing = listedByNft(await list(lab, NFT));
    return {
      counters: nftCounters(listing, standings),
      loaded: () => listing.loaded(standings),
      rowOf: () => Promise.resolve(nftRows(listing, standings)),
    };
  }
  const saved = await list(lab, ['sh', '-c', SAVE]);
  return {
    counters: readIptablesCounters(saved),
    loaded: () => loadedByIptables(saved),
    rowOf: async () => iptablesRows(saved, listedByNft(await list(lab, NFT))),
  };
}

const NFT = ['nft', '-j', 'list', 'ruleset'];

async function list({ hosts, plan }: Lab, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await hosts.firewall.exec(argv);
  if (code !== 0)
    throw new LabFailure(`the rules of ${plan.firewall.kind} can't be listed: ${stderr.trim()}`);
  return stdout.toString('utf8');
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

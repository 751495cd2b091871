import { LabFailure, type Lab } from '../engine/host';
import { conditionsOf, type Condition } from '../firewall/conditions';
import { oneLine, words } from '../firewall/words';
import { unmatchable } from './unmatchable';
import { readIptablesCounters } from '../firewall/iptables/dialect';
import { nftCounters, NftListing } from '../firewall/nftables/listing';
import type { Policy } from '../firewall/kinds';
import type { RawEvent } from './event';

interface Counter {
  readonly row: number | 'policy';
  /** of nftables, where there may be several policies: the chain, and its own */
  readonly chain?: string;
  readonly policy?: Policy | null;
  readonly conditions?: readonly Condition[];
  readonly packets: number;
  readonly bytes: number;
}

/**
 * The legacy variant finds the tables' names in a file that an ordinary user may not read; asked for each
 * by its name it needs none.
 */
const SAVE =
  'iptables-save -c 2> /dev/null || for table in raw mangle nat filter security; do iptables-save -c -t $table || exit; done';

/** Reads the counter of every row, and of the policy. */
export async function readCounters(lab: Lab, at: number): Promise<RawEvent[]> {
  const { rows, policy } = lab.plan.firewall;
  const counters: Counter[] = [...(await (lab.router ? lab.router.counters() : listed(lab)))];
  // The policy speaks last.
  counters.sort((a, b) => order(a) - order(b));
  const several = counters.filter(({ row }) => row === 'policy').length > 1;
  return counters.map(({ row, chain, policy: own, conditions, packets, bytes }): RawEvent => {
    const said = own ?? policy;
    const whose = several && chain !== undefined ? ` of chain ${chain}` : '';
    const text = row === 'policy' ? `policy ${said}${whose}` : oneLine(rows[row - 1]?.text ?? '');
    return {
      kind: 'rule',
      at,
      vantage: 'rules',
      text: `${row === 'policy' ? '' : `row ${row}: `}${text} — ${packets} packets`,
      row,
      rule: text,
      stops: row === 'policy' ? said === 'drop' : (rows[row - 1]?.stops ?? false),
      unmatchable: unmatchable(conditions ?? conditionsOf(words(text).map((word) => word.text)), lab.plan),
      packets,
      bytes,
    };
  });
}

async function listed({ hosts, plan, standings }: Lab): Promise<readonly Counter[]> {
  const { loader } = plan.firewall.ruleset;
  const argv = standings ? ['nft', '-j', 'list', 'ruleset'] : ['sh', '-c', SAVE];
  const { code, stdout, stderr } = await hosts.firewall.exec(argv);
  if (code !== 0) throw new LabFailure(`the rules of ${loader} can't be listed: ${stderr.trim()}`);
  const text = stdout.toString('utf8');
  return standings ? nftCounters(new NftListing(text), standings) : readIptablesCounters(text);
}

function order({ row }: Counter): number {
  return row === 'policy' ? Number.POSITIVE_INFINITY : row;
}

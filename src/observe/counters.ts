import { LabFailure, type Lab } from '../engine/host';
import { readIptablesCounters } from '../firewall/iptables/dialect';
import type { Ruleset } from '../firewall/kinds';
import { POLICY_COMMENT } from '../firewall/nftables';
import type { RawEvent } from './event';

interface Counter {
  readonly row: number | 'policy';
  readonly packets: number;
  readonly bytes: number;
}

interface NftRule {
  readonly comment?: string;
  readonly expr: readonly { readonly counter?: { packets: number; bytes: number } | null }[];
}

/**
 * The legacy variant finds the tables' names in a file that an ordinary user may not read; asked for each
 * by its name it needs none.
 */
const SAVE =
  'iptables-save -c 2> /dev/null || for table in raw mangle nat filter; do iptables-save -c -t $table || exit; done';

/** How the counters of a ruleset are listed, and read from that list. */
const LISTS: Readonly<
  Partial<
    Record<
      Ruleset['loader'],
      { readonly argv: readonly string[]; readonly read: (listed: string) => readonly Counter[] }
    >
  >
> = {
  nft: { argv: ['nft', '-j', 'list', 'ruleset'], read: readNftCounters },
  'iptables-restore': { argv: ['sh', '-c', SAVE], read: readIptablesCounters },
};

/** Reads the counter of every row, and of the policy. */
export async function readCounters(lab: Lab, at: number): Promise<RawEvent[]> {
  const { rows, policy, ruleset } = lab.plan.firewall;
  const counters = [...(await (lab.router ? lab.router.counters() : listed(lab, ruleset.loader)))];
  // The policy speaks last.
  counters.sort((a, b) => order(a) - order(b));
  return counters.map(({ row, packets, bytes }): RawEvent => {
    const text = row === 'policy' ? `policy ${policy}` : (rows[row - 1]?.text ?? '');
    return {
      kind: 'rule',
      at,
      vantage: 'rules',
      text: `${row === 'policy' ? '' : `row ${row}: `}${text} — ${packets} packets`,
      row,
      rule: text,
      stops: row === 'policy' ? policy === 'drop' : (rows[row - 1]?.stops ?? false),
      packets,
      bytes,
    };
  });
}

async function listed({ hosts, plan }: Lab, loader: Ruleset['loader']): Promise<readonly Counter[]> {
  const list = LISTS[loader];
  if (!list) throw new LabFailure(`nothing here lists rules of ${plan.firewall.kind}`);
  const { code, stdout, stderr } = await hosts.firewall.exec(list.argv);
  if (code !== 0) throw new LabFailure(`${list.argv[0] ?? ''} can't list the rules: ${stderr.trim()}`);
  return list.read(stdout.toString('utf8'));
}

function order({ row }: Counter): number {
  return row === 'policy' ? Number.POSITIVE_INFINITY : row;
}

function readNftCounters(listed: string): Counter[] {
  const { nftables } = JSON.parse(listed) as { nftables: { rule?: NftRule }[] };
  return nftables.flatMap(({ rule }) => {
    const counter = rule?.expr.find((part) => part.counter)?.counter;
    const comment = rule?.comment ?? '';
    const row = comment === POLICY_COMMENT ? POLICY_COMMENT : Number(/^row (\d+)$/.exec(comment)?.[1]);
    return counter && !Number.isNaN(row) ? [{ row, ...counter }] : [];
  });
}

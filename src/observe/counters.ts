import { POLICY_COMMENT, TABLE } from '../firewall/nftables';
import { LabFailure, type Lab } from '../engine/host';
import type { RawEvent } from './event';

interface NftRule {
  readonly comment?: string;
  readonly expr: readonly { readonly counter?: { packets: number; bytes: number } | null }[];
}

/** Reads the counter of every row, and of the policy. */
export async function readCounters(lab: Lab, at: number): Promise<RawEvent[]> {
  const listed = await lab.hosts.firewall.exec(['nft', '-j', 'list', 'table', 'ip', TABLE]);
  if (listed.code !== 0) throw new LabFailure(`nft can't list the rules: ${listed.stderr.trim()}`);
  const { nftables } = JSON.parse(listed.stdout.toString('utf8')) as { nftables: { rule?: NftRule }[] };
  return nftables.flatMap(({ rule }) => {
    const counter = rule?.expr.find((part) => part.counter)?.counter;
    const row =
      rule?.comment === POLICY_COMMENT ? POLICY_COMMENT : Number(rule?.comment?.replace('row ', ''));
    if (!counter || Number.isNaN(row)) return [];
    const { rows, policy } = lab.plan.firewall;
    const text = rows.find((candidate) => candidate.row === row)?.text ?? `policy ${policy}`;
    const event: RawEvent = {
      kind: 'rule',
      at,
      vantage: 'rules',
      text: `${row === POLICY_COMMENT ? '' : `row ${row}: `}${text} — ${counter.packets} packets`,
      row: row,
      rule: text,
      ...counter,
    };
    return [event];
  });
}

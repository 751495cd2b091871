import type { NftListing, Standings } from '../firewall/nftables/listing';
import type { RowOf } from './trace-packets';

type Row = number | 'policy' | null;

/** Knows the rows of an nft ruleset by where the lab found them when it was loaded. */
export function nftRows({ byChain, forwarding }: NftListing, standings: Standings): RowOf {
  const rows = new Map<string, Row>();
  for (const [chain, standing] of standings) {
    const rules = byChain.get(chain) ?? [];
    rules.forEach(({ handle }, index) => rows.set(`${chain} ${handle}`, standing[index] ?? null));
  }
  return (chain, handle) =>
    handle === null ? (forwarding.has(chain) ? 'policy' : null) : (rows.get(`${chain} ${handle}`) ?? null);
}

/**
 * Knows the rows of a ruleset that iptables' nft variant has loaded. nft does not show iptables' comments, but both
 * list the rules of a chain in the same order. Of a chain in which they don't list the same number, nothing is known.
 *
 * @param saved as `iptables-save` prints it, with counters or without; each row's number is its first comment
 * @param listing the same rules, as nft lists them
 */
export function iptablesRows(saved: string, listing: NftListing): RowOf {
  const standings = new Map(
    [...savedRows(saved)].filter(([chain, rows]) => listing.byChain.get(chain)?.length === rows.length),
  );
  const known = nftRows(listing, standings);
  return (chain, handle) =>
    handle === null ? (chain === 'ip filter FORWARD' ? 'policy' : null) : known(chain, handle);
}

/** The rows of each chain's rules, in their order; null for a rule that is no row. */
function savedRows(saved: string): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, name, rest = ''] = /^(?:\[\d+:\d+\] )?-A (\S+)(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    // The lab's comment is the first: it is put in before anything the author wrote.
    const comment = / --comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(rest);
    const row = /^row (\d+)$/.exec(comment?.[1] ?? '')?.[1];
    const chain = `ip ${table} ${name}`;
    const rows = found.get(chain) ?? [];
    rows.push(row === undefined ? null : Number(row));
    found.set(chain, rows);
  }
  return found;
}

import { labelText, textOf } from './label';
import { plain } from './label';
import type { ArrowRow, Row } from './types';

/**
 * The rows a text ladder has room for: handshakes and plain dialogue as one row each, the orderly close
 * of connections and what programs say of themselves left out.
 */
export function condense(rows: readonly Row[]): Row[] {
  const kept = rows.filter((row, index) => isKept(row, rows[index + 1]));
  const condensed: Row[] = [];
  for (const row of kept) {
    const last = condensed.at(-1);
    if (row.kind === 'arrow' && last?.kind === 'arrow' && canJoin(last, row)) {
      condensed[condensed.length - 1] = joined(last, row);
    } else condensed.push(row);
  }
  return condensed;
}

function isKept(row: Row, next: Row | undefined): boolean {
  if (row.kind === 'mark') return row.tone === 'bad';
  // Text has no room for a heading over the log-in, nor for one that stands over nothing.
  if (row.kind === 'section') return row.step !== 'log-in' && next !== undefined;
  if (row.kind !== 'arrow') return true;
  return (
    row.role !== 'close' ||
    row.stop !== null ||
    (row.reset && row.hops[0]?.from.startsWith('firewall') === true)
  );
}

/** The way both directions of a joined row go is drawn with a tip at each end. */
export interface JoinedRow extends ArrowRow {
  readonly bothWays: true;
}

export function isBothWays(row: ArrowRow): row is JoinedRow {
  return 'bothWays' in row;
}

function canJoin(last: ArrowRow, row: ArrowRow): boolean {
  const whole = [last, row].every(
    ({ stop, hops, again }) => stop === null && hops.length === 2 && again.length === 0,
  );
  if (!whole || last.connection !== row.connection || last.role !== row.role) return false;
  if (row.role === 'open') return !isBothWays(last);
  return row.role === 'plain' && row.channel === 'control';
}

function joined(last: ArrowRow, row: ArrowRow): JoinedRow {
  const [first, second] = last.hops;
  const separator = row.role === 'open' ? ', ' : ' · ';
  const text = `${isBothWays(last) ? textOf(first?.label ?? []) : shortOf(last)}${separator}${shortOf(row)}`;
  return {
    ...last,
    hops: [
      ...(first ? [{ ...first, label: plain(labelText(text)) }] : []),
      ...(second ? [{ ...second, label: [] }] : []),
    ],
    bothWays: true,
  };
}

/** A command's verb or a reply's code says enough beside others. */
function shortOf({ hops, role }: ArrowRow): string {
  const text = textOf(hops[0]?.label ?? []);
  return role === 'open' ? text : (/^\S+/.exec(text)?.[0] ?? '');
}

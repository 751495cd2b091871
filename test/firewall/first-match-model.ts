// What a packet filter does, in as few words as can be. It shares nothing with src/: where the two differ,
// one of them is wrong.

/** A packet as a forwarding firewall sees it, all in numbers. */
export interface Packet {
  /** the interface it comes in by and the one it leaves by: 0 inside, 1 outside */
  readonly in: number;
  readonly out: number;
  /** of the IPv4 header: 6 is TCP */
  readonly protocol: number;
  /** IPv4 addresses, the first octet highest */
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** the control bits of the TCP header (RFC 9293 §3.1) */
  readonly flags: number;
}

/** One field of a packet, as far as a mask lets it be seen, is in one of some ranges, or is `not`. */
export interface Condition {
  readonly field: keyof Packet;
  readonly mask?: number;
  readonly ranges: readonly (readonly [low: number, high: number])[];
  readonly not: boolean;
}

export interface FilterRow {
  /** all of them; an empty list matches every packet */
  readonly when: readonly Condition[];
  /** what becomes of a packet that matches; a list of rows is a chain it is sent through */
  readonly then: 'accept' | 'drop' | 'return' | 'continue' | readonly FilterRow[];
  /** from the chain it is sent through it does not come back to this one */
  readonly forGood?: boolean;
}

/** The first row that matches and knows a verdict decides; where none does, the policy. */
export function decide(
  rows: readonly FilterRow[],
  policy: 'accept' | 'drop',
  packet: Packet,
  matched: (row: FilterRow) => void = () => undefined,
): 'accept' | 'drop' {
  return walk(rows, packet, matched) ?? policy;
}

function walk(
  rows: readonly FilterRow[],
  packet: Packet,
  matched: (row: FilterRow) => void,
): 'accept' | 'drop' | null {
  for (const row of rows) {
    if (!row.when.every((condition) => holds(condition, packet))) continue;
    matched(row);
    if (row.then === 'accept' || row.then === 'drop') return row.then;
    if (row.then === 'return') return null;
    const verdict = row.then === 'continue' ? null : walk(row.then, packet, matched);
    if (verdict !== null || row.forGood === true) return verdict;
  }
  return null;
}

function holds({ field, mask, ranges, not }: Condition, packet: Packet): boolean {
  const value = mask === undefined ? packet[field] : packet[field] & mask;
  return ranges.some(([low, high]) => value >= low && value <= high) !== not;
}

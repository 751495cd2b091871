/**
 * What a probe's packet carries so that it is known wherever it is seen, however its addresses and ports
 * were translated: the window says that it is a probe, the IP identification which one, the sequence
 * number from which port to which it was sent. No firewall of the lab rewrites these.
 */
export interface ProbeMark {
  /** number of the probe in its session, from 1 */
  readonly mark: number;
  readonly sourcePort: number;
  readonly port: number;
}

/** Bytes of window that probes announce, and no TCP stack in the lab. */
export const PROBE_WINDOW = 63_407;

/** The sequence number of a probe's packet. */
export function probeSequence(sourcePort: number, port: number): number {
  return sourcePort * 65_536 + port;
}

/** Ports as ranges, in ascending order. */
export function toRanges(ports: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const port of [...ports].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && port <= last[1] + 1) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges;
}

/** Ranges as people write them: "20, 1025-5999"; "none" when there are none. */
export function rangesText(ranges: readonly (readonly [number, number])[]): string {
  if (ranges.length === 0) return 'none';
  return ranges.map(([low, high]) => (low === high ? String(low) : `${low}-${high}`)).join(', ');
}

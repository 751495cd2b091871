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

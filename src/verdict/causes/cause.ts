import type { CauseCode } from '../../scenario';
import type { LabEvent, PacketEvent } from '../../observe/event';
import type { Facts, TransferFacts } from '../facts';

/** A way in which a transfer fails, and what proves it. */
export interface Cause {
  readonly code: CauseCode;
  /** the evidence it takes, in words */
  readonly needs: string;
  /** a scenario of the lab's own that provokes it; the scenario's twin differs by what frees it */
  readonly scenario: string;
  readonly examine: (facts: Facts, of: TransferFacts) => Examined;
}

/** What the evidence says of one cause: proven, pointed to but incomplete, or (null) no sign of it. */
export type Examined = Proof | Incomplete | null;

/** A cause whose evidence is complete. */
export interface Proof {
  readonly proven: true;
  readonly text: string;
  readonly remedy: string;
  /** ids of the events it rests on */
  readonly events: readonly string[];
}

/** A cause that something points to, and what is missing to say so. */
export interface Incomplete {
  readonly proven: false;
  readonly missing: readonly string[];
}

export function proof(said: { text: string; remedy: string }, events: readonly LabEvent[]): Proof {
  return { proven: true, ...said, events: [...new Set(events.map(({ id }) => id))] };
}

/** @param evidence what is needed, in words, and whether it is there */
export function incomplete(evidence: Readonly<Record<string, unknown>>): Incomplete {
  const missing = Object.entries(evidence).flatMap(([what, found]) => (isThere(found) ? [] : [what]));
  return { proven: false, missing };
}

function isThere(found: unknown): boolean {
  return Array.isArray(found) ? found.length > 0 : found !== undefined && found !== null && found !== false;
}

/** "10.0.0.10:1025 → 203.0.113.20:21" */
export function ends(packet: PacketEvent): string {
  return `${packet.source}:${packet.sourcePort} → ${packet.destination}:${packet.destinationPort}`;
}

import type { HostProcess } from '../engine/host';
import type { RawEvent } from './event';

/** What was seen of the firewall's connection table. */
export interface TableRecord {
  /** changes that did not come through */
  readonly lost: number;
  readonly events: RawEvent[];
}

/** Something that watches the firewall's connection table. */
export interface TableWatch {
  /** those whose end in mid-run is a failure */
  readonly processes: readonly HostProcess[];
  /** Waits until all that happened is told, and ends. */
  finish(): Promise<TableRecord>;
}

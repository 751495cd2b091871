import type { Leg } from '../../observe/event';
import type { HostName } from '../../plan/plan';

/** A vertical line of the ladder: a host, or one of the firewall's two sides. */
export type LaneName = Exclude<HostName, 'firewall'> | `firewall ${Leg}`;

export interface Lane {
  readonly name: LaneName;
  /** what stands under the name: the program, or what the firewall does; printable */
  readonly detail: string;
  /** empty when unknown */
  readonly address: string;
}

/** What a packet belongs to; drawn in a colour and a line style of its own. */
export type Channel = 'control' | 'data' | 'probe' | 'other';

/** Text as it is to be drawn, already harmless. Changed: the firewall wrote it, or wrote over it. */
export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

/** A packet's way over one leg. */
export interface Hop {
  readonly leg: Leg;
  readonly from: LaneName;
  readonly to: LaneName;
  /** empty where it would only repeat the other leg's */
  readonly label: readonly Piece[];
  /** address:port as on this leg, where they are to be drawn */
  readonly ends: { readonly source: string; readonly destination: string } | null;
}

/** Where a packet went no further. */
export interface Stop {
  readonly lane: LaneName;
  /** the rule, when a diagnosis names it; else what is known */
  readonly why: string;
  /** false: not seen beyond, but the capture there is incomplete or missing */
  readonly certain: boolean;
}

/** A packet that matters, the bulk data of one direction, or a group of probes. */
export interface ArrowRow {
  readonly kind: 'arrow';
  /** seconds since the run began */
  readonly at: number;
  /** seconds since the run began; of bulk data, its last packet */
  readonly until: number | null;
  readonly channel: Channel;
  /** in the order it went; at most two */
  readonly hops: readonly Hop[];
  readonly stop: Stop | null;
  readonly reset: boolean;
  /** bytes, of bulk data alone: drawn thick */
  readonly bytes: number | null;
  /** what it does to the dialogue; text ladders fold what is plain */
  readonly role: 'open' | 'close' | 'arrangement' | 'plain' | 'final' | 'bulk' | 'unseen' | 'probe';
  /** the connection, numbered in the order of appearance; 0 for none */
  readonly connection: number;
  /** when it was sent again, in seconds since the run began */
  readonly again: readonly number[];
  /** all that is known of it, as text; printable */
  readonly title: string;
}

/** Something that happened at one lane. */
export interface MarkRow {
  readonly kind: 'mark';
  readonly at: number;
  readonly lane: LaneName;
  readonly text: string;
  readonly tone: 'plain' | 'bad';
}

/** Where a step of the session begins. */
export interface SectionRow {
  readonly kind: 'section';
  readonly at: number;
  readonly step: string;
  /** what it is called, and what it is */
  readonly name: string;
  /** what came of it; empty when there is nothing to say */
  readonly text: string;
  /** steps that are alike may be folded; null for one that is unlike any other */
  readonly likeness: string | null;
}

/** Time in which nothing was drawn. */
export interface GapRow {
  readonly kind: 'gap';
  readonly at: number;
  readonly seconds: number;
}

/** Arrows that were left out. */
export interface FoldRow {
  readonly kind: 'fold';
  readonly at: number;
  readonly arrows: number;
  readonly text: string;
}

export type Row = ArrowRow | MarkRow | SectionRow | GapRow | FoldRow;

/** An entry of the firewall's connection table, from its making to its end. */
export interface Bar {
  /** C1, D1, E1: control, data, expectation, numbered */
  readonly tag: string;
  readonly channel: Channel;
  readonly expectation: boolean;
  /** index of the row it begins at, and of the last row it lives in */
  readonly first: number;
  readonly last: number;
  /** rows between which bulk data flowed; null for none */
  readonly flowing: { readonly first: number; readonly last: number } | null;
  /** the row from which it only lingers, its connection closed; null for none */
  readonly closed: number | null;
  /** false: still there at the end of the run */
  readonly ended: boolean;
  readonly text: string;
}

/** One run as a ladder, before it has coordinates. */
export interface Ladder {
  readonly title: string;
  readonly description: string;
  readonly lanes: readonly Lane[];
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
  /** entries that are in the record and have no bar */
  readonly moreEntries: number;
  /** about the clock; null when a second is a second */
  readonly timeNote: string | null;
}

import type { MissingReport } from '../agent/messages';
import type { BuiltInChain, PolicyTarget } from '../firewall/ipchains/rule';
import type { Policy, Ruleset } from '../firewall/kinds';
import type { Event22, Kernel22, RowNumber, Side } from '../linux22';

/** One side of the router, as its host has it. */
export interface RouterSide {
  /** name of the network interface */
  readonly interface: string;
  readonly address: string;
  /** bits of the network there */
  readonly prefix: number;
  /** bytes of the largest packet its link takes */
  readonly mtu: number;
}

/** How the router of a Linux 2.2 firewall starts. */
export interface RouterConfig {
  readonly program: 'router';
  readonly kernel: Kernel22;
  readonly sides: Readonly<Record<Side, RouterSide>>;
  readonly ruleset: Ruleset;
  /** seconds of the firewall's clock per real second */
  readonly timeScale: number;
  /** seconds of the firewall's clock: what a timeout that no command sets is at least */
  readonly shortestTimeout: number;
  /** where the tools and their pipes are put; it is there */
  readonly directory: string;
  /** a start script is run next: its tools make the rows, and it finds the files of /proc that it knows */
  readonly starts: boolean;
}

/**
 * What the router is told after its configuration; each is answered by a report with the same id, once every
 * packet that has come is dealt with.
 */
export type RouterCommand =
  /** answered by "counters" */
  | { readonly id: number; readonly do: 'counters' }
  /** answered by "told", once all that has happened is reported */
  | { readonly id: number; readonly do: 'tell' }
  /** the start script has ended; answered by "started" */
  | { readonly id: number; readonly do: 'started' };

/** A rule that a start script typed. */
export interface StartedRow {
  /** from 1, in the order typed */
  readonly row: number;
  /** the command as its tool got it, variables filled in */
  readonly text: string;
  /** the line of the script, from 0 */
  readonly line: number;
  readonly stops: boolean;
}

/** What a start script did that its firewall did not take. */
export interface ScriptFailure {
  /** the line of the script, from 0 */
  readonly line: number;
  /** what was typed, variables filled in */
  readonly command: string;
  readonly message: string;
}

/** What a row, or the policy, has counted. */
export interface RowCounter {
  readonly row: RowNumber;
  readonly packets: number;
  readonly bytes: number;
}

/** What the router reports, one JSON object a line. `at` is in epoch seconds. */
export type RouterReport =
  | { readonly type: 'ready'; readonly at: number }
  /** a command of the ruleset was refused by its tool; row: the owner's, null when it is the lab's own */
  | {
      readonly type: 'refused';
      readonly row: number | null;
      /** its line in the ruleset, from 1 */
      readonly line: number | null;
      readonly message: string;
    }
  | MissingReport
  | RouterEvent
  | { readonly type: 'counters'; readonly id: number; readonly rows: readonly RowCounter[] }
  | Started
  | {
      readonly type: 'told';
      readonly id: number;
      /** packets it could not read in time */
      readonly lost: number;
      /** events past the number that is reported */
      readonly untold: number;
    };

/** Something that happened in the firewall; `event.at` is on the firewall's own clock. */
export interface RouterEvent {
  readonly type: 'event';
  readonly at: number;
  readonly event: Exclude<Event22, { kind: 'rule-hit' }> | Unsent | Typed;
}

/** A packet the firewall let out and the host could not send; `count` is how many have been for that reason. */
export interface Unsent {
  readonly kind: 'unsent';
  readonly at: number;
  readonly reason: string;
  readonly count: number;
}

/** A command that was typed on the firewall while it ran. */
export interface Typed {
  readonly kind: 'typed';
  readonly at: number;
  readonly line: string;
  readonly code: number;
}

/** What a firewall is after its start script. */
export interface Started {
  readonly type: 'started';
  readonly id: number;
  readonly rows: readonly StartedRow[];
  /** what its tools refused */
  readonly failures: readonly ScriptFailure[];
  /** what was written to switches that do not take it: paths relative to /proc/sys/net/ipv4 */
  readonly wrongSwitches: readonly { readonly path: string; readonly message: string }[];
  readonly policies: Readonly<Record<BuiltInChain, PolicyTarget>>;
  /** drop: one of them drops */
  readonly policy: Policy;
  /** ip_masq_ftp's lists; null when it is not loaded */
  readonly ftp: { readonly ports: readonly number[]; readonly inPorts: readonly number[] } | null;
  /** lines of the kernel's log */
  readonly log: readonly string[];
  /** TCP ports that are forwarded */
  readonly forwarded: readonly number[];
}

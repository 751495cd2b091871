import type { LoadedRule } from '../firewall/effect';
import type { HelperAttachment, PortRange } from '../firewall/kinds';
import type { LabEvent, Leg, TraceRecord } from '../observe/event';
import type { Plan } from '../plan/plan';

export type Outcome = 'pass' | 'fail' | 'infra-error' | 'skipped';
export type ClaimVerdict = 'upheld' | 'refuted' | 'partly' | 'untested';

/** One run as one JSON document; every report is drawn from it alone. */
export interface RunResult {
  readonly scenario: string;
  readonly title: string;
  readonly claim: string;
  readonly engine: string;
  /** why the lab took this engine; null when it was asked for */
  readonly engineWhy: string | null;
  readonly kernel: string;
  readonly outcome: Outcome;
  /** why the outcome is not a pass; null for a pass */
  readonly reason: string | null;
  /** scenario seconds per second of the run; times of events are the run’s */
  readonly timeScale: number;
  /** times as the scenario states them and as they were in the run, where a scale made them differ; results of before 2026-11-27 have none */
  readonly times?: Plan['times'];
  readonly virtualTime: boolean;
  /** wall time of the run */
  readonly durationSeconds: number;
  readonly topology: Pick<Plan, 'hosts' | 'links' | 'bridges'> & {
    readonly behind: 'client' | 'server';
    readonly client: string;
    readonly server: string;
    readonly nat: string;
    readonly policy: string;
    readonly kind: string;
    readonly product: string | null;
    readonly helper: HelperAttachment;
    readonly forward: readonly PortRange[];
  };
  readonly expectations: readonly {
    readonly text: string;
    readonly held: boolean;
    readonly why: string;
    readonly events: readonly string[];
  }[];
  readonly claims: readonly {
    readonly id: string;
    readonly text: string;
    /** what the verdict depends on, as it is in this scenario; null when on nothing */
    readonly when: string | null;
    readonly verdict: ClaimVerdict;
    readonly why: string;
    readonly checks: readonly {
      readonly text: string;
      /** null where the evidence does not reach */
      readonly held: boolean | null;
      readonly why: string;
    }[];
    readonly events: readonly string[];
  }[];
  readonly transfers: readonly TransferResult[];
  readonly probes: readonly ProbeResult[];
  readonly control: {
    readonly survived: boolean;
    /** seconds of the scenario’s time since the run began */
    readonly expiredAtSeconds: number | null;
  };
  /** the life of the connection table's entries; results of before 2026-11-27 have none */
  readonly timeline?: readonly TimelineEntry[];
  readonly rules: readonly {
    readonly row: number | 'policy';
    readonly text: string;
    readonly packets: number;
    readonly bytes: number;
    /** what it does, and where; null for a policy. Results of before 2026-12-01 have neither this nor the next. */
    readonly loaded?: Omit<LoadedRule, 'row'> | null;
    /** why no packet of this lab can match it, where that can be told */
    readonly unmatchable?: string | null;
  }[];
  /** helpers that the rules have the kernel get; results of before 2026-12-01 have none */
  readonly helpers?: readonly string[];
  readonly diagnosis: readonly {
    readonly code: string;
    readonly transfer: string;
    readonly text: string;
    readonly remedy: string;
    readonly events: readonly string[];
  }[];
  readonly artifacts: { readonly directory: string | null; readonly captures: readonly string[] };
  /** how complete the packet record is */
  readonly captures: readonly { readonly leg: Leg; readonly packets: number; readonly lost: number }[];
  /** how complete the kernel's trace of the rules is; null where it has none to tell of. Results of before 2026-12-01 have none. */
  readonly trace?: TraceRecord | null;
  readonly events: readonly LabEvent[];
}

/** The life of one entry of the firewall's connection table, in seconds of the scenario's time since the run began. */
export interface TimelineEntry {
  readonly role: 'control' | 'data' | 'other';
  /** the transfer it was made for; null for what is of none */
  readonly transfer: string | null;
  readonly protocol: string;
  /** the end that opened it, and where to, as it said so */
  readonly from: string;
  readonly to: string;
  /** the opener as the other end knows it; null where the firewall did not tell */
  readonly translated: string | null;
  readonly madeAtSeconds: number;
  /** when its timer ran out, by its last packet and the timeout; null when it did not within the run */
  readonly expiredAtSeconds: number | null;
  /** when the firewall told that it is gone, which may be long after; null when it did not */
  readonly goneAtSeconds: number | null;
  /** FIN or RST had ended the connection before its entry went */
  readonly closed: boolean;
  /** what set its timer: of a busy connection the first and the last of a series of packets */
  readonly moments: readonly {
    readonly atSeconds: number;
    readonly change: 'made' | 'state' | 'refreshed';
    readonly state: string;
    /** the end whose packet it was; null where it is not known */
    readonly by: 'client' | 'server' | null;
    /** what was left of the timer just before; null for the first */
    readonly leftSeconds: number | null;
    /** how long the timer runs from here; null where it is not known */
    readonly timeoutSeconds: number | null;
    /** id of the event */
    readonly event: string;
  }[];
}

/** What a probe showed to be exposed: of the ports tried from each source port, those that were reached. */
export interface ProbeResult {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly flags: string;
  readonly exposure: readonly {
    readonly sourcePort: number;
    readonly sent: readonly PortRange[];
    readonly arrived: readonly PortRange[];
  }[];
}

export interface TransferResult {
  readonly name: string;
  readonly mode: 'active' | 'passive';
  readonly direction: 'download' | 'upload' | 'list';
  readonly command: string;
  readonly bytes: number;
  readonly expectedBytes: number | null;
  /** every byte arrived, by length and SHA-256; says nothing of the final reply */
  readonly complete: boolean;
  readonly finalReply: number | null;
  readonly seconds: number;
  readonly error: string | null;
  readonly data: {
    readonly dialledBy: 'client' | 'server';
    readonly sourcePort: number;
    readonly destinationPort: number;
    readonly reached: boolean;
  } | null;
}

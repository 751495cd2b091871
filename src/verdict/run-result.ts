import type { HelperAttachment, PortRange } from '../firewall/kinds';
import type { LabEvent, Leg } from '../observe/event';
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
  readonly timeScale: number;
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
  readonly control: { readonly survived: boolean; readonly expiredAtSeconds: number | null };
  readonly rules: readonly {
    readonly row: number | 'policy';
    readonly text: string;
    readonly packets: number;
    readonly bytes: number;
  }[];
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
  readonly events: readonly LabEvent[];
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

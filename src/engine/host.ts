import type { Standings } from '../firewall/nftables/listing';
import type { FirewallChange, PerHost, Plan } from '../plan/plan';
import type { RouterEvent, RowCounter } from '../router/messages';

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** An ending in words: the signal, or the exit code. */
export function howEnded({ code, signal }: Exit): string {
  return signal ?? `exit code ${code ?? '?'}`;
}

export interface ExecResult extends Exit {
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A program running inside a host. */
export interface HostProcess {
  /** what the lab calls it in messages, e.g. "tcpdump on the firewall's inside" */
  readonly label: string;
  /** in the host's own process namespace, as `/proc` there knows it; rejects when it never started */
  readonly pid: Promise<number>;
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

/** One running host. */
export interface Host {
  /** Runs a program to its end. Rejects only when it cannot be started at all. */
  exec(argv: readonly string[], options?: { input?: string }): Promise<ExecResult>;
  spawn(label: string, argv: readonly string[]): HostProcess;
  /**
   * What a file of the host holds from a byte on, 8 MiB at most: files grow, and so do captures.
   *
   * @throws LabFailure when it cannot be read
   */
  read(path: string, from?: number): Promise<Buffer>;
}

/** Bytes that one `read` returns at most. */
export const MAX_READ = 8 * 2 ** 20;

/** Runs a shell script beside the hosts, with rights that their own programs have not. */
export type RunScript = (script: string) => Promise<ExecResult>;

/** The router process of a Linux 2.2 firewall, on the firewall's host. */
export interface FirewallRouter {
  readonly process: HostProcess;
  /**
   * Silences the host's kernel, and has the router load the plan's ruleset and begin, or its start script run. The
   * host is wired.
   *
   * @param mount with the right to mount in the host's files
   * @returns the plan's firewall, as a start script made it
   *
   * @throws RefusedRows when a tool of the firewall refuses a row, LabFailure for everything else
   */
  load(firewall: Host, mount: RunScript): Promise<Plan['firewall']>;
  /** What each row and the policy have counted so far. */
  counters(): Promise<readonly RowCounter[]>;
  /** Waits until every packet that has come is dealt with. */
  settle(): Promise<void>;
  /** All that has happened so far, and how complete that record is. */
  told(): Promise<{
    readonly events: readonly RouterEvent[];
    /** packets that came faster than they were read */
    readonly lost: number;
    /** events past the number that is kept */
    readonly untold: number;
  }>;
  /** what the start script has printed, on both its outputs; null without one */
  readonly said: string | null;
  /** Its end is no failure from now on. */
  leave(): void;
}

/** The running hosts of one plan. */
export interface Lab {
  /** once it is wired, with the firewall as its start script made it */
  readonly plan: Plan;
  /** once it is wired, where the rows stand among the kernel's rules; null where the rules say so themselves */
  readonly standings: Standings | null;
  readonly hosts: PerHost<Host>;
  /** a directory each host can write to, gone with the lab */
  readonly workDirectory: string;
  /** where an agent's bundle is, as the hosts see it */
  agent(bundle: string): readonly string[];
  /** the router of a Linux 2.2 firewall; null where the host's own kernel is the firewall */
  readonly router: FirewallRouter | null;
  /** the kernel's release, as the hosts see it */
  readonly kernel: string;
  /** Applies the wiring and the ruleset. */
  wire(): Promise<void>;
  /**
   * Changes settings of the running firewall.
   *
   * @returns when it was done, in epoch seconds by the hosts' clock
   * @throws LabFailure when it refuses
   */
  change(change: FirewallChange): Promise<number>;
}

/** Who hears from a run while it is under way. */
export interface Listener {
  /** what the run does from now on */
  readonly onProgress: (text: string) => void;
  /** a sign of life that has no text: a host program reported something */
  readonly onAlive: () => void;
}

/** Runs one plan, and holds its hosts until they are released. `Result` is an experiment's. */
export interface Runner<Result> {
  /** @throws RefusedRows, MissingCapability or LabFailure */
  run(plan: Plan): Promise<Result>;
  /** Keeps the hosts' state in a folder, then takes them down. Returns the captures' names. */
  keepAndStop(directory: string): Promise<readonly string[]>;
  /** Takes the hosts down, at whatever point they are. Never throws. */
  stop(): Promise<void>;
}

/** What the doctor says of one capability. */
export interface Capability {
  readonly name: string;
  readonly works: boolean;
  readonly why: string;
  readonly remedy: string;
  /** good to know; runs do without it */
  readonly optional?: true;
}

/** The lab itself failed: no verdict on FTP follows from it. Exit code 3. */
export class LabFailure extends Error {
  override readonly name: string = 'LabFailure';
}

/** Something this machine does not have. Exit code 4. */
export class MissingCapability extends Error {
  override readonly name: string = 'MissingCapability';

  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** The tool that loads them refused rows the scenario's author wrote. Exit code 2. */
export class RefusedRows extends Error {
  override readonly name = 'RefusedRows';

  constructor(
    readonly rows: readonly {
      /** null when it is no row but a line of text that is loaded as it stands */
      readonly row: number | null;
      /** of the row's own text, or, where it is none, of the rules as a whole; from 0 */
      readonly line: number | null;
      readonly message: string;
      readonly column: number;
    }[],
  ) {
    super(
      rows.map(({ row, line, message }) => `row ${row ?? `at line ${line ?? '?'}`}: ${message}`).join('\n'),
    );
  }
}

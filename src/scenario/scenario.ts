import type { ClientProgram } from '../client/programs';
import type { FirewallKind, NatMode, Policy, Row } from '../firewall/kinds';
import type { ServerProgram } from '../server/programs';
import type { Expectation } from './expectations';
import type { Position } from './problem';

/** One transfer of a session, with its quantities read. */
export interface TransferStep {
  readonly name: string;
  readonly direction: 'download' | 'upload' | 'list';
  readonly mode: 'active' | 'passive';
  readonly command: 'PASV' | 'EPSV' | 'PORT' | 'EPRT';
  /** bytes; 0 for a list */
  readonly size: number;
  /** seconds; 0: as fast as it goes */
  readonly lasting: number;
}

/** A rule and where it stands in the scenario file, for errors found later. */
export interface PlacedRow extends Row {
  readonly position: Position | null;
}

/** A scenario file, read, checked and understood. Times in seconds, sizes in bytes. */
export interface Scenario {
  readonly name: string;
  readonly file: string;
  readonly title: string;
  readonly claim: string;
  readonly behind: 'client' | 'server';
  readonly tags: readonly string[];
  readonly twin: string | null;
  /** first three octets of each network */
  readonly networks: { readonly inside: string; readonly outside: string };
  readonly firewall: {
    readonly kind: FirewallKind;
    readonly nat: NatMode;
    readonly policy: Policy;
    readonly rows: readonly PlacedRow[];
    readonly helperPorts: readonly number[];
    readonly forward: readonly number[];
    readonly timeouts: Readonly<Record<string, number>>;
  };
  readonly server: {
    readonly program: ServerProgram;
    readonly port: number;
    readonly passivePorts: readonly [number, number];
    readonly address: string;
  };
  readonly client: { readonly program: ClientProgram; readonly address: string };
  readonly patience: number;
  readonly session: readonly TransferStep[];
  readonly expect: readonly Expectation[];
  readonly claims: Readonly<Record<string, readonly Expectation[]>>;
}

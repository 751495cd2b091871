import type { ClientProgram } from '../client/programs';
import type {
  Command,
  FirewallKind,
  HelperAttachment,
  Kernel22,
  NatMode,
  Policy,
  PortRange,
  Row,
} from '../firewall/kinds';
import type { ProductName } from '../firewall/products';
import type { ServerProgram } from '../server/programs';
import type { Expectation } from './expectations';
import type { Position } from './problem';

/** Flags of probes, as scenarios name them. */
export const PROBE_FLAGS = ['SYN', 'ACK', 'FIN+ACK', 'SYN+FIN', 'SYN+ACK', 'RST', 'FIN'] as const;
export type ProbeFlags = (typeof PROBE_FLAGS)[number];

/** Hosts that probes come from, beside the three that every lab has. */
export type ProbeOrigin = 'prober' | 'neighbour';
export type ProbeTarget = ProbeOrigin | 'client' | 'server' | 'firewall';

/** Last octets of the hosts that a scenario may add: a second one inside, two outside. */
export const ADDED_HOSTS = { neighbour: 30, prober: 66, resolver: 53 } as const;

/** Packets sent one by one, to see what becomes of each: one from every source port to every port. */
export interface ProbeStep {
  readonly kind: 'probe';
  readonly name: string;
  readonly from: ProbeOrigin;
  readonly to: ProbeTarget;
  readonly flags: ProbeFlags;
  readonly sourcePorts: readonly number[];
  readonly ports: readonly PortRange[];
  /** the ports are a sample of all there are */
  readonly sampled: boolean;
}

/** One transfer of a session, with its quantities read. */
export interface TransferStep {
  readonly kind: 'transfer';
  readonly name: string;
  readonly direction: 'download' | 'upload' | 'list';
  readonly mode: 'active' | 'passive';
  readonly command: 'PASV' | 'EPSV' | 'PORT' | 'EPRT' | 'none';
  /** bytes; 0 for a list */
  readonly size: number;
  /** seconds; 0: as fast as it goes */
  readonly lasting: number;
}

/** A rule and where it stands in the scenario file, for errors found later. */
export interface PlacedRow extends Row {
  readonly position: Position | null;
}

export type SessionStep = TransferStep | ProbeStep;

/** A claim's checks in one scenario, and what its verdict depends on there. */
export interface ClaimChecks {
  readonly when: string | null;
  readonly checks: readonly Expectation[];
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
  /** names rules may use with a `$`, and their values */
  readonly names: Readonly<Record<string, string>>;
  readonly firewall: {
    readonly kind: FirewallKind;
    readonly product: ProductName | null;
    /** the Linux 2.2 that an ipchains firewall is */
    readonly kernel: Kernel22;
    readonly nat: NatMode;
    readonly policy: Policy;
    readonly input: Policy;
    readonly rows: readonly PlacedRow[];
    /** where the text under `rules` begins; null without one */
    readonly rulesAt: Position | null;
    readonly commands: readonly Command[];
    /** a start script that is all the rules there are; null without one */
    readonly script: string | null;
    /** the rules translate addresses themselves */
    readonly translates: boolean;
    readonly helper: HelperAttachment;
    readonly forward: readonly PortRange[];
    readonly timeouts: Readonly<Record<string, number>>;
  };
  readonly server: {
    readonly program: ServerProgram;
    readonly port: number;
    readonly passivePorts: PortRange;
    readonly address: string;
    /** its replies to PASV name the firewall's outside address */
    readonly advertisesFirewall: boolean;
    /** it dials data connections from any port, not from the one below its control port */
    readonly anyDataPort: boolean;
    /** its 227 is worded as RFC 959 words it */
    readonly standardReply: boolean;
    /** ports of its host that another program listens on */
    readonly busyPorts: PortRange | null;
    /** seconds it waits for data connections; null: the scenario's patience */
    readonly patience: number | null;
    /** the name the client reaches it by; null: by its address */
    readonly name: string | null;
    readonly dns: 'udp' | 'tcp';
  };
  readonly client: {
    readonly program: ClientProgram;
    readonly address: string;
    readonly listenPorts: PortRange | null;
    /** its PORT names the firewall's outside address */
    readonly advertisesFirewall: boolean;
    readonly hashMarks: boolean;
    /** its host offers TCP timestamps */
    readonly timestamps: boolean;
    /** it asks for TLS on the control connection */
    readonly tls: boolean;
    /** seconds it waits without progress; null: the scenario's patience */
    readonly patience: number | null;
  };
  readonly patience: number;
  readonly session: readonly SessionStep[];
  readonly expect: readonly Expectation[];
  readonly claims: Readonly<Record<string, ClaimChecks>>;
}

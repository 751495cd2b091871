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
import type { Timeouts } from '../firewall/conntrack';
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

/** Last octet of the firewall's second outside address. */
export const SECOND_ADDRESS = 2;

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

/** Commands that a client sends for nothing but to be heard (RFC 959 §4.1.3; RFC 2389 §3.2). */
export const SHORT_COMMANDS = ['NOOP', 'PWD', 'SYST', 'STAT', 'FEAT'] as const;
export type ShortCommand = (typeof SHORT_COMMANDS)[number];

/** The session stays open and silent. */
export interface IdleStep {
  readonly kind: 'idle';
  readonly name: string;
  readonly seconds: number;
}

/** One short command and its reply. */
export interface CommandStep {
  readonly kind: 'command';
  readonly name: string;
  readonly command: ShortCommand;
}

/** The firewall's timeouts are changed. */
export interface SetTimeoutsStep {
  readonly kind: 'set-timeouts';
  readonly name: string;
  readonly timeouts: Timeouts;
  /** the same in words, which no scale changes */
  readonly words: string;
}

/** A change of the firewall's timeouts while a file moves. */
export interface TimedChange {
  /** seconds after the transfer began */
  readonly at: number;
  readonly timeouts: Timeouts;
  readonly words: string;
}

/** One transfer of a session, with its quantities read. */
export interface TransferStep {
  readonly kind: 'transfer';
  readonly name: string;
  readonly direction: 'download' | 'upload' | 'list';
  readonly mode: 'active' | 'passive';
  readonly command: 'PASV' | 'EPSV' | 'PORT' | 'EPRT' | 'none' | 'own';
  /** bytes; 0 for a list */
  readonly size: number;
  /** seconds; 0: as fast as it goes */
  readonly lasting: number;
  /** seconds between two NOOPs that the client sends meanwhile; null: it sends none */
  readonly noopEvery: number | null;
  readonly change: TimedChange | null;
}

/** A rule and where it stands in the scenario file, for errors found later. */
export interface PlacedRow extends Row {
  readonly position: Position | null;
}

export type SessionStep = TransferStep | ProbeStep | IdleStep | CommandStep | SetTimeoutsStep;

/** A claim's checks in one scenario, and what its verdict depends on there. */
export interface ClaimChecks {
  readonly when: string | null;
  readonly checks: readonly Expectation[];
}

/** Seconds of silence after which TCP keep-alive probes; off: never; null: as the program has it by itself. */
export type KeepAlive = number | 'off' | null;

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
    /** it has a second outside address */
    readonly secondAddress: boolean;
    /** connection tracking's, as the scenario states them */
    readonly timeouts: Timeouts;
    /** it takes connections up in mid-life; null: as the kernel has it by itself */
    readonly loose: boolean | null;
    /** it takes packets outside the TCP window for valid; null: as the kernel has it by itself */
    readonly liberal: boolean | null;
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
    readonly keepAlive: KeepAlive;
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
    /** it takes a 227 that names another host than it is connected to */
    readonly separateTransferHost: boolean;
    readonly hashMarks: boolean;
    /** its host offers TCP timestamps */
    readonly timestamps: boolean;
    /** it asks for TLS on the control connection */
    readonly tls: boolean;
    /** seconds it waits without progress; null: the scenario's patience */
    readonly patience: number | null;
    readonly keepAlive: KeepAlive;
  };
  /** seconds client and server wait without progress; null: the lab's own choice */
  readonly patience: number | null;
  /** where each duration stands in the file, by its path with dots, e.g. firewall.timeouts.established */
  readonly places: Readonly<Record<string, Position | null>>;
  readonly session: readonly SessionStep[];
  readonly expect: readonly Expectation[];
  readonly claims: Readonly<Record<string, ClaimChecks>>;
}

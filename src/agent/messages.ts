import type { Timeouts } from '../firewall/conntrack';
import type { PortRange } from '../firewall/kinds';
import { LineSplitter } from './lines';

/** A TCP endpoint as `address:port`. */
export type Endpoint = string;

/** One file of the experiment. It is generated from its seed at both ends, never stored. */
export interface FileSpec {
  readonly name: string;
  readonly seed: string;
  /** bytes */
  readonly size: number;
  /** seconds the sending program spreads it over; 0: as fast as it goes */
  readonly lasting: number;
  /** seconds it may keep silent meanwhile: less than either end waits without progress; left out: 1 */
  readonly silence?: number;
}

/** What a host program reports, one JSON object a line on its standard output. `at` is in epoch seconds. */
export type AgentReport =
  | { readonly type: 'ready'; readonly at: number }
  | {
      readonly type: 'line';
      readonly at: number;
      readonly direction: 'command' | 'reply';
      readonly line: string;
      /** the other end of the control connection, as this end sees it */
      readonly peer: Endpoint;
    }
  | {
      readonly type: 'data';
      readonly at: number;
      readonly change: 'listening' | 'dialling' | 'connected' | 'failed' | 'closed';
      readonly local: Endpoint | null;
      readonly remote: Endpoint | null;
      /** bytes this end wrote and read, once closed */
      readonly written: number;
      readonly read: number;
      readonly error: string | null;
    }
  | {
      readonly type: 'file';
      readonly at: number;
      readonly name: string;
      readonly role: 'sent' | 'received';
      readonly bytes: number;
      readonly sha256: string;
      /** false when the stream broke off before its end */
      readonly whole: boolean;
    }
  | {
      readonly type: 'control';
      readonly at: number;
      readonly change: 'opened' | 'closed';
      readonly peer: Endpoint;
    }
  /** the client asked its resolver for the server's name; one of `address` and `error` is null */
  | {
      readonly type: 'resolved';
      readonly at: number;
      readonly name: string;
      readonly address: string | null;
      readonly error: string | null;
    }
  /** one source port's packets of a probe have left */
  | {
      readonly type: 'probed';
      /** when the last of them left */
      readonly at: number;
      /** when the first of them left */
      readonly from: number;
      readonly name: string;
      readonly source: string;
      readonly destination: string;
      /** letters of SFRPAU, as commanded */
      readonly flags: string;
      readonly sourcePort: number;
      /** destination ports, as commanded */
      readonly ports: readonly PortRange[];
      /** how many were sent: fewer than there are ports when the probe broke off */
      readonly packets: number;
    }
  /** a DNS query arrived */
  | {
      readonly type: 'query';
      readonly at: number;
      /** the name asked for: whatever a peer chose to send */
      readonly name: string;
      readonly transport: 'udp' | 'tcp';
      readonly peer: Endpoint;
    }
  | { readonly type: 'log'; readonly at: number; readonly line: string }
  | MissingReport
  /** the firewall's timeouts were changed: in seconds of the run, and in words of the scenario's time */
  | { readonly type: 'timeouts'; readonly at: number; readonly timeouts: Timeouts; readonly words: string }
  /** a command was taken up; its "done" has the same id */
  | { readonly type: 'begin'; readonly at: number; readonly id: number }
  | {
      readonly type: 'done';
      readonly at: number;
      readonly id: number;
      readonly error: string | null;
      readonly closed: boolean;
    };

/** The program cannot do its work on this machine, and what to do about that. */
export interface MissingReport {
  readonly type: 'missing';
  readonly message: string;
  readonly remedy: string;
}

/** What the client is told to do, one JSON object a line on its standard input. */
export type ClientCommand =
  | { readonly id: number; readonly do: 'connect' }
  | { readonly id: number; readonly do: 'transfer'; readonly transfer: TransferCommand }
  /** say nothing for some seconds */
  | { readonly id: number; readonly do: 'idle'; readonly seconds: number }
  /** send one command and await its reply */
  | { readonly id: number; readonly do: 'command'; readonly command: string }
  | { readonly id: number; readonly do: 'close' };

/** What the server is told after its configuration: to answer once all it saw is reported. */
export interface ServerCommand {
  readonly id: number;
  readonly do: 'sync';
}

/** What the prober is told to send: one packet for each pair of a source port and a destination port. */
export interface ProbeCommand {
  readonly id: number;
  readonly do: 'probe';
  /** what the scenario calls it */
  readonly name: string;
  /** its number, which its packets carry: see `agent/probe-mark` */
  readonly mark: number;
  /** IPv4 address */
  readonly destination: string;
  /** TCP flags, letters of SFRPAU; empty: a packet without flags */
  readonly flags: string;
  readonly sourcePorts: readonly number[];
  readonly ports: readonly PortRange[];
}

export interface TransferCommand {
  readonly direction: 'download' | 'upload' | 'list';
  /**
   * the command that arranges the data connection (RFC 959 §4.1.2, RFC 2428); none: active mode on the
   * default data port, the port the control connection comes from (RFC 959 §3.2); own: passive mode, by whatever
   * the client program sends by itself
   */
  readonly command: 'PASV' | 'EPSV' | 'PORT' | 'EPRT' | 'none' | 'own';
  readonly file: FileSpec | null;
  /** seconds between two NOOPs sent on the control connection meanwhile; left out: none are sent */
  readonly noopEvery?: number;
}

/** How the client program starts. */
export interface ClientConfig {
  readonly program: string;
  /** the address it binds the listening data socket of active mode to */
  readonly address: string;
  readonly server: {
    /** dialled when there is no name */
    readonly address: string;
    readonly port: number;
    /** resolved before each session and dialled instead of the address; null: no name is asked for */
    readonly name: string | null;
  };
  /** the only DNS server it asks, as `address` or `address:port`; null when there is no name */
  readonly resolver: string | null;
  /**
   * the local port of the control connection, needed for transfers without PORT; each further session
   * takes the next one, for the last may not be over everywhere. null: the system's choice
   */
  readonly controlPort: number | null;
  /** first and last port active mode listens on, in turn; null: the system's choice */
  readonly listenPorts: readonly [number, number] | null;
  /** the address named in PORT and EPRT; null: its own */
  readonly advertised: string | null;
  /**
   * whether it takes a 227 that names another host than it is connected to (basic-ftp's allowSeparateTransferHost);
   * left out: as the program has it by itself, which is no
   */
  readonly separateTransferHost?: boolean;
  /** whether it prints a "#" for every 1024 bytes of a file, as ftp(1) does after `hash` */
  readonly hashMarks: boolean;
  /** whether it asks for TLS before it logs in (AUTH TLS, RFC 4217 §4); left out: it does not */
  readonly tls?: boolean;
  /**
   * seconds of silence on the control connection after which TCP keep-alive probes; 0: never; null or left
   * out: as the program has it by itself
   */
  readonly keepAlive?: number | null;
  /** seconds without progress after which it gives up */
  readonly patience: number;
}

/** How the server program starts. */
export interface ServerConfig {
  readonly program: string;
  readonly address: string;
  readonly port: number;
  readonly passivePorts: readonly [number, number];
  /** the address named in 227, the reply to PASV; null: its own */
  readonly advertised: string | null;
  /** whether its 227 is worded as RFC 959 words it (§4.2.2), and not in its own way */
  readonly standardReply?: boolean;
  /** whether it dials data connections from any port, not from the one below its control port (RFC 959 §3.2) */
  readonly anyDataPort?: boolean;
  /** first and last port of its host that another program listens on; null or left out: none */
  readonly busyPorts?: PortRange | null;
  /**
   * seconds of silence on the control connection after which TCP keep-alive probes; 0: never; null or left
   * out: as the program has it by itself
   */
  readonly keepAlive?: number | null;
  /** seconds it waits for a data connection */
  readonly patience: number;
  readonly files: readonly FileSpec[];
}

/** How the prober starts. */
export interface ProberConfig {
  readonly program: 'prober';
  /** its own IPv4 address, from which its packets come */
  readonly address: string;
}

/** How the resolver starts. */
export interface ResolverConfig {
  readonly program: 'resolver';
  readonly address: string;
  /** for UDP and TCP; 53 where it is left out (RFC 1035 §4.2) */
  readonly port?: number;
  /** host name → IPv4 address */
  readonly names: Readonly<Record<string, string>>;
  /** whether every answer over UDP is cut short, so that clients ask again over TCP (RFC 7766 §5) */
  readonly truncate: boolean;
}

/** Writes one report. Synchronous on pipes, so nothing is lost when the program is killed next. */
export function report(message: AgentReport): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Calls `onMessage` with each JSON line of the stream, `onEnd` when it closes. */
// The type is the caller's word for what the other end of its own pipe sends.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function readMessages<T>(
  stream: NodeJS.ReadableStream,
  onMessage: (message: T) => void,
  onEnd: () => void = () => undefined,
): void {
  // No line of ours is longer: the plan, the largest, is bounded by the scenario's 1 MiB.
  const splitter = new LineSplitter(64 * 1024 * 1024);
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    for (const line of splitter.push(chunk)) onMessage(JSON.parse(line) as T);
  });
  stream.on('end', onEnd);
}

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
  | { readonly type: 'log'; readonly at: number; readonly line: string }
  /** a command was taken up; its "done" has the same id */
  | { readonly type: 'begin'; readonly at: number; readonly id: number }
  | {
      readonly type: 'done';
      readonly at: number;
      readonly id: number;
      readonly error: string | null;
      readonly closed: boolean;
    };

/** What the client is told to do, one JSON object a line on its standard input. */
export type ClientCommand =
  | { readonly id: number; readonly do: 'connect' }
  | { readonly id: number; readonly do: 'transfer'; readonly transfer: TransferCommand }
  | { readonly id: number; readonly do: 'close' };

/** What the server is told after its configuration: to answer once all it saw is reported. */
export interface ServerCommand {
  readonly id: number;
  readonly do: 'sync';
}

export interface TransferCommand {
  readonly direction: 'download' | 'upload' | 'list';
  /** the command that arranges the data connection (RFC 959 §4.1.2, RFC 2428) */
  readonly command: 'PASV' | 'EPSV' | 'PORT' | 'EPRT';
  readonly file: FileSpec | null;
}

/** How the client program starts. */
export interface ClientConfig {
  readonly program: string;
  /** the address it binds the listening data socket of active mode to */
  readonly address: string;
  readonly server: { readonly address: string; readonly port: number };
  /** seconds without progress after which it gives up */
  readonly patience: number;
}

/** How the server program starts. */
export interface ServerConfig {
  readonly program: string;
  readonly address: string;
  readonly port: number;
  readonly passivePorts: readonly [number, number];
  /** seconds it waits for a data connection */
  readonly patience: number;
  readonly files: readonly FileSpec[];
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

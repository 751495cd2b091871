/** The parts of ftp-srv 4.6 the lab adapts; ftp-srv's own typings cover only its public face. */
declare module 'ftp-srv/src/connector/active' {
  import type { Socket } from 'node:net';
  import type Bluebird from 'bluebird';
  export default class ActiveConnector {
    connection: { commandSocket: Socket };
    dataSocket: (Socket & { connected?: boolean }) | null;
    /** added by the lab: where PORT or EPRT said to dial */
    target?: { host: string; port: number; family: number };
    setupConnection(host: string, port: number, family?: number): Bluebird<void>;
    waitForConnection(): Bluebird<Socket>;
  }
}
declare module 'ftp-srv/src/connector/passive' {
  import type { Server, Socket } from 'node:net';
  import type Bluebird from 'bluebird';
  export default class PassiveConnector {
    setupServer(): Bluebird<Server>;
    waitForConnection(options?: { timeout: number; delay: number }): Bluebird<Socket>;
  }
}
declare module 'ftp-srv/src/errors' {
  export class SocketError extends Error {
    constructor(message: string, code: number);
  }
}
declare module 'bluebird' {
  export default class Bluebird<T> extends Promise<T> {
    static override reject<T = never>(reason: Error): Bluebird<T>;
    static override resolve(): Bluebird<void>;
    override then<A>(onFulfilled: (value: T) => A): Bluebird<A>;
  }
  export class TimeoutError extends Error {}
}

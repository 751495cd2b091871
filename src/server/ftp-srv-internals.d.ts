/** The parts of ftp-srv 4.6 the lab adapts; ftp-srv's own typings cover only its public face. */
declare module 'ftp-srv/src/connector/base' {
  import type { Socket } from 'node:net';
  import type Bluebird from 'bluebird';
  /** what ftp-srv keeps of a session, as far as the lab looks at it */
  export interface Connection {
    readonly commandSocket: Socket;
    connector: Connector;
    reply(code: number): Bluebird<void>;
  }
  /** what of a connector a data connection is dialled for */
  export interface Dialler {
    readonly connection: Pick<Connection, 'commandSocket'>;
    dataSocket: (Socket & { connected?: boolean }) | null;
  }
  export default class Connector implements Dialler {
    constructor(connection: Connection);
    connection: Connection;
    dataSocket: (Socket & { connected?: boolean }) | null;
    type: 'active' | 'passive' | false;
    waitForConnection(): Bluebird<Socket>;
    closeSocket(): void;
    closeServer(): void;
    end(): void;
  }
}
declare module 'ftp-srv/src/connector/active' {
  import type Bluebird from 'bluebird';
  import Connector from 'ftp-srv/src/connector/base';
  export default class ActiveConnector extends Connector {
    /** added by the lab: where PORT or EPRT said to dial */
    target?: { host: string; port: number; family: number };
    setupConnection(host: string, port: number, family?: number): Bluebird<void>;
  }
}
declare module 'ftp-srv/src/commands/registry' {
  import type Bluebird from 'bluebird';
  import type { Connection } from 'ftp-srv/src/connector/base';
  type Handler = (this: Connection, request: object) => Bluebird<void>;
  const REGISTRY: Readonly<Record<'ABOR' | 'AUTH', { handler: Handler }>>;
  export default REGISTRY;
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

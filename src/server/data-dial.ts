import { Socket } from 'node:net';
import Bluebird, { TimeoutError } from 'bluebird';
import type { Dialler } from 'ftp-srv/src/connector/base';
import { now } from '../agent/clock';
import { report } from '../agent/messages';

/** Where a data connection goes to. */
export interface DataTarget {
  readonly host: string;
  readonly port: number;
  readonly family: number;
}

/** How a server dials. */
export interface DialOptions {
  /** seconds it waits for an answer */
  readonly patience: number;
  /** from a port of the system's choice */
  readonly anyPort: boolean;
}

/**
 * Dials a data connection, from the port beside the control port (RFC 959 §3.2 and §5.2, L-1: 20 for 21)
 * or from any, reports what becomes of it, and hands it to the connector once it is open.
 *
 * @returns the open socket, paused. Rejects with Bluebird's TimeoutError, which ftp-srv answers with 425,
 * RFC 959's "can't open data connection".
 */
export function dialData(
  connector: Dialler,
  target: DataTarget,
  { patience, anyPort }: DialOptions,
): Bluebird<Socket> {
  const socket = new Socket();
  const control = connector.connection.commandSocket;
  // 0: the system's choice, known once the connection is open.
  const localPort = anyPort ? 0 : (control.localPort ?? 21) - 1;
  const localAddress = control.localAddress ?? '0.0.0.0';
  const remote = `${target.host}:${target.port}`;
  let local = anyPort ? null : `${localAddress}:${localPort}`;
  const tell = (
    change: 'dialling' | 'connected' | 'failed' | 'closed',
    error: string | null = null,
  ): void => {
    const { bytesWritten: written, bytesRead: read } = socket;
    report({ type: 'data', at: now(), change, local, remote, written, read, error });
  };
  return new Bluebird((resolve, reject) => {
    const fail = (error: string): void => {
      socket.destroy();
      tell('failed', error);
      reject(new TimeoutError(error));
    };
    const timer = setTimeout(() => {
      fail(`no answer from ${remote} within ${patience} s`);
    }, patience * 1000);
    const refused = (error: Error): void => {
      clearTimeout(timer);
      fail(error.message);
    };
    socket.once('error', refused);
    tell('dialling');
    socket.connect({ ...target, localAddress, localPort }, () => {
      clearTimeout(timer);
      local ??= `${localAddress}:${socket.localPort ?? 0}`;
      socket.removeListener('error', refused);
      // ftp-srv puts its own handlers on only once the transfer runs.
      socket.on('error', (error) => {
        tell('failed', error.message);
      });
      socket.once('close', () => {
        tell('closed');
      });
      socket.pause();
      connector.dataSocket = Object.assign(socket, { connected: true });
      tell('connected');
      resolve(socket);
    });
  });
}

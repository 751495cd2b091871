import type { Server, Socket } from 'node:net';
import PassiveConnector from 'ftp-srv/src/connector/passive';
import { now } from '../agent/clock';
import { report } from '../agent/messages';

/**
 * Lets ftp-srv's passive connector tell what it does, and wait as long as the plan says.
 *
 * ftp-srv's own methods are called, not replaced: it waits 5 s by default and reports nothing.
 *
 * @param patience seconds it waits for the client to dial before it answers 425
 */
export function observePassive(patience: number): void {
  // Called with `this` again below.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const setupServer = PassiveConnector.prototype.setupServer;
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const waitForConnection = PassiveConnector.prototype.waitForConnection;

  PassiveConnector.prototype.setupServer = function () {
    return setupServer.call(this).then(watchListener);
  };

  function watchListener(server: Server): Server {
    const { address, port } = server.address() as { address: string; port: number };
    const local = `${address}:${port}`;
    report({
      type: 'data',
      at: now(),
      change: 'listening',
      local,
      remote: null,
      written: 0,
      read: 0,
      error: null,
    });
    server.on('connection', (socket: Socket) => {
      // What TLS adds is not the file's.
      let counted = socket;
      server.once('secureConnection', (secured: Socket) => (counted = secured));
      const remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
      const tell = (change: 'connected' | 'failed' | 'closed', error: string | null): void => {
        const { bytesWritten: written, bytesRead: read } = counted;
        report({ type: 'data', at: now(), change, local, remote, written, read, error });
      };
      tell('connected', null);
      socket.on('error', (error) => {
        tell('failed', error.message);
      });
      socket.once('close', () => {
        tell('closed', null);
      });
    });
    return server;
  }

  PassiveConnector.prototype.waitForConnection = function () {
    return waitForConnection.call(this, { timeout: patience * 1000, delay: 5 });
  };
}

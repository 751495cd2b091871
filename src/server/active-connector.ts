import { Socket } from 'node:net';
import Bluebird, { TimeoutError } from 'bluebird';
import ActiveConnector from 'ftp-srv/src/connector/active';
import { SocketError } from 'ftp-srv/src/errors';
import { now } from '../agent/clock';
import { report } from '../agent/messages';

/**
 * Makes ftp-srv's active connector do what RFC 959 asks of a server.
 *
 * As shipped (4.6) it dials from an ephemeral port, and already on PORT. RFC 959 §3.2 and §5.2
 * have the server dial from the port beside its control port (L-1: 20 for 21), and only on the
 * transfer command. Firewall rules for active mode are written for that port 20, so it matters here.
 * Both methods are replaced on ftp-srv's own class, because its PORT and EPRT handlers build that
 * class by name; nothing else of ftp-srv is touched. They return Bluebird promises, for ftp-srv goes on
 * with Bluebird's own methods.
 *
 * @param patience seconds it waits for the data connection before it answers 425
 */
export function dialFromDataPort(patience: number): void {
  ActiveConnector.prototype.setupConnection = function (host, port, family = 4) {
    this.dataSocket?.destroy();
    this.dataSocket = null;
    // RFC 2577 §3: a data address other than the control peer's would make a bounce attack possible.
    const peer = this.connection.commandSocket.remoteAddress?.replace(/^::ffff:/, '');
    if (host !== peer) {
      return Bluebird.reject(new SocketError('The given address is not yours', 500));
    }
    this.target = { host, port, family };
    return Bluebird.resolve();
  };

  ActiveConnector.prototype.waitForConnection = function () {
    const target = this.target;
    if (!target) return Bluebird.reject(new SocketError('No PORT was given', 425));
    const socket = new Socket();
    const localPort = (this.connection.commandSocket.localPort ?? 21) - 1;
    const localAddress = this.connection.commandSocket.localAddress ?? '0.0.0.0';
    const remote = `${target.host}:${target.port}`;
    const local = `${localAddress}:${localPort}`;
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
        // ftp-srv answers a TimeoutError with 425, RFC 959's "can't open data connection".
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
        socket.removeListener('error', refused);
        // ftp-srv puts its own handlers on only once the transfer runs.
        socket.on('error', (error) => {
          tell('failed', error.message);
        });
        socket.once('close', () => {
          tell('closed');
        });
        socket.pause();
        this.dataSocket = Object.assign(socket, { connected: true });
        tell('connected');
        resolve(socket);
      });
    });
  };
}

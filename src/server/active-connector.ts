import Bluebird from 'bluebird';
import ActiveConnector from 'ftp-srv/src/connector/active';
import { SocketError } from 'ftp-srv/src/errors';
import { dialData, type DialOptions } from './data-dial';
import { defaultDataPort, peerAddress } from './default-data-port';

/**
 * Makes ftp-srv's active connector do what RFC 959 asks of a server.
 *
 * As shipped (4.6) it dials from an ephemeral port, and already on PORT. RFC 959 §3.2 and §5.2
 * have the server dial from the port beside its control port (L-1: 20 for 21), and only on the
 * transfer command. Firewall rules for active mode are written for that port 20, so it matters here.
 * Both methods are replaced on ftp-srv's own class, because its PORT and EPRT handlers build that
 * class by name; nothing else of ftp-srv's active mode is touched. They return Bluebird promises, for
 * ftp-srv goes on with Bluebird's own methods.
 *
 * @param options whose patience is what it waits for the data connection before it answers 425
 */
export function dialFromDataPort(options: DialOptions): void {
  ActiveConnector.prototype.setupConnection = function (host, port, family = 4) {
    this.dataSocket?.destroy();
    this.dataSocket = null;
    // RFC 2577 §3: a data address other than the control peer's would make a bounce attack possible.
    if (host !== peerAddress(this.connection.commandSocket)) {
      return Bluebird.reject(new SocketError('The given address is not yours', 500));
    }
    this.target = { host, port, family };
    return Bluebird.resolve();
  };

  ActiveConnector.prototype.waitForConnection = function () {
    // A PORT that was refused has changed nothing, so the default data port is still the one.
    return dialData(this, this.target ?? defaultDataPort(this.connection.commandSocket), options);
  };
}

import { isIPv6, type Socket } from 'node:net';
import Connector from 'ftp-srv/src/connector/base';
import REGISTRY from 'ftp-srv/src/commands/registry';
import { dialData, type DataTarget, type DialOptions } from './data-dial';

/**
 * Makes ftp-srv transfer without PORT or PASV too: to the user's default data port, the very address and
 * port the control connection comes from (RFC 959 §3.2 and §5.2).
 *
 * As shipped (4.6) its base connector, which stands in while neither was given, refuses every transfer.
 * Two more things of ftp-srv have to change for that, or it would dial when nobody asked it to:
 *
 * - A connector at its end puts a base connector in its own place, but gives it itself for a connection,
 *   and does so even when a later PORT has replaced it already: the socket of a passive transfer closes
 *   a moment after the 226, when the next PORT may have been read.
 * - ABOR waits for the connector's connection. Only a passive connector may be asked that in idleness.
 *
 * @param options whose patience is what it waits for the data connection before it answers 425
 */
export function dialDefaultDataPort(options: DialOptions): void {
  Connector.prototype.waitForConnection = function () {
    return dialData(this, defaultDataPort(this.connection.commandSocket), options);
  };

  Connector.prototype.end = function () {
    this.closeSocket();
    this.closeServer();
    this.type = false;
    if (this.connection.connector === this) this.connection.connector = new Connector(this.connection);
  };

  const abort = REGISTRY.ABOR.handler;
  REGISTRY.ABOR.handler = function (request) {
    if (this.connector.type === 'passive') return abort.call(this, request);
    this.connector.end();
    return this.reply(225);
  };
}

/**
 * Where data goes when no command named another place.
 *
 * @param control the server's end of the control connection
 */
export function defaultDataPort(control: Socket): DataTarget {
  const host = peerAddress(control);
  return { host, port: control.remotePort ?? 0, family: isIPv6(host) ? 6 : 4 };
}

/** The address of a connection's other end; an IPv4 one in its own form also where the socket is IPv6. */
export function peerAddress(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

import type { Socket } from 'node:net';
import REGISTRY from 'ftp-srv/src/commands/registry';
import { tapWritten } from '../agent/dialogue';

type Listener = (chunk: Buffer) => void;

/**
 * Makes ftp-srv's AUTH TLS (RFC 4217 §4) work with a near client, and keeps the record of the dialogue going.
 *
 * As shipped (4.6) it goes on reading commands while its 234 is on the way, and takes the handshake of a
 * client that is quick for one. So nobody listens to the plain socket until TLS has taken it over. From then
 * on ftp-srv hands what TLS deciphered back to that socket's listeners, and writes to TLS: what is read is
 * recorded where it was, what is written is recorded anew.
 */
export function secureControl(): void {
  const authenticate = REGISTRY.AUTH.handler;
  REGISTRY.AUTH.handler = function (request) {
    const plain = this.commandSocket;
    const listeners = plain.listeners('data') as Listener[];
    plain.pause();
    plain.removeAllListeners('data');
    const listenAgain = (): Socket[] => listeners.map((listener) => plain.on('data', listener));
    return authenticate.call(this, request).then(() => {
      if (this.commandSocket === plain) {
        listenAgain();
        plain.resume();
      } else {
        tapWritten(this.commandSocket, 'server');
        this.commandSocket.once('secure', listenAgain);
      }
    });
  };
}

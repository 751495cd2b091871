import { createServer, type AddressInfo, type Server } from 'node:net';
import { tellData } from './data-report';

/**
 * Listens for a data connection on one port, and reports it, or why it could not.
 *
 * @param port 0: the system's choice
 * @throws Error "Can't listen on <address>:<port>: …", the network's error as its cause
 */
export async function listenOn(address: string, port: number): Promise<Server> {
  const listener = await listen(address, port);
  if (listener instanceof Error) throw refused(`${address}:${port}`, listener.message, listener);
  return listener;
}

/** The ports active mode listens on: a range taken in turn, or whatever the system gives. */
export class ListenPorts {
  /** how many ports of the range were tried so far, over all transfers */
  private tried = 0;

  /** @param range first and last port; null: the system's choice */
  constructor(
    private readonly address: string,
    private readonly range: readonly [number, number] | null,
  ) {}

  /**
   * Listens on the next free port. It goes on where the last transfer left off, so two transfers in a
   * row get different ports wherever the range has two free ones.
   *
   * @throws Error "Can't listen on <address>:<port>: …", also when every port of the range is in use
   */
  async next(): Promise<Server> {
    if (this.range === null) return listenOn(this.address, 0);
    const [first, last] = this.range;
    const count = last - first + 1;
    for (let tries = 0; tries < count; tries += 1) {
      const port = first + (this.tried++ % count);
      const listener = await listen(this.address, port);
      if (!(listener instanceof Error)) return listener;
      if (listener.code !== 'EADDRINUSE') {
        throw refused(`${this.address}:${port}`, listener.message, listener);
      }
    }
    throw refused(`${this.address}:${first}-${last}`, 'every port of the range is in use');
  }
}

function listen(address: string, port: number): Promise<Server | NodeJS.ErrnoException> {
  const listener = createServer();
  return new Promise((resolve) => {
    listener.once('error', resolve);
    listener.listen(port, address, () => {
      listener.removeListener('error', resolve);
      tellData('listening', { local: `${address}:${(listener.address() as AddressInfo).port}` });
      resolve(listener);
    });
  });
}

function refused(local: string, why: string, cause?: Error): Error {
  const error = new Error(`Can't listen on ${local}: ${why}`, { cause });
  tellData('failed', { local, error: error.message });
  return error;
}

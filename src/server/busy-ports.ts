import { createServer } from 'node:net';
import { now } from '../agent/clock';
import { report } from '../agent/messages';
import type { PortRange } from '../firewall/kinds';

/**
 * Listens on ports as another program of the host would, so that the FTP server cannot have them, and
 * reports it in the server's log.
 *
 * @param ports first and last; null: none
 * @throws the network's error, when one of them is taken already
 */
export async function occupy(address: string, ports: PortRange | null): Promise<void> {
  if (ports === null) return;
  const [first, last] = ports;
  for (let port = first; port <= last; port += 1) await listen(address, port);
  report({ type: 'log', at: now(), line: `another program listens on ${address} ports ${first}-${last}` });
}

function listen(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    createServer((socket) => socket.destroy())
      .once('error', reject)
      .listen(port, address, resolve);
  });
}

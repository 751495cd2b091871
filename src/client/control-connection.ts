import { FTPError, type Client, type FTPResponse, type TaskResolver } from 'basic-ftp';
import { tapDialogue } from '../agent/dialogue';

/**
 * Dials a server and waits for its greeting (RFC 959 §5.4, 220).
 *
 * basic-ftp's own `connect` offers no local port, and the default data port of RFC 959 §3.2 is just that.
 * So these are the steps of `connect`, by basic-ftp's public parts.
 *
 * @param from the local end to dial from; null: the system's choice
 * @param keepAlive seconds of silence before TCP keep-alive probes; 0: never; null: as basic-ftp has it
 * @throws the network's error, FTPError for any greeting but a 2xx, or a timeout after `client.ftp.timeout`
 */
export async function openControl(
  client: Client,
  to: { readonly address: string; readonly port: number },
  from: { readonly address: string; readonly port: number } | null,
  keepAlive: number | null,
): Promise<void> {
  client.ftp.reset();
  const { socket } = client.ftp;
  // By itself basic-ftp asks for it, and leaves the interval to the system.
  if (keepAlive !== null) socket.setKeepAlive(keepAlive > 0, keepAlive * 1000);
  const local = from === null ? {} : { localAddress: from.address, localPort: from.port };
  socket.connect({ host: to.address, port: to.port, ...local });
  // connect() puts the socket's own write() back in place, so the tap comes after it; no byte can pass before.
  tapDialogue(socket, 'client');
  await client.ftp.handle(undefined, (response: Error | FTPResponse, task: TaskResolver) => {
    if (response instanceof Error) task.reject(response);
    else if (response.code >= 200 && response.code < 300) task.resolve(response);
    else task.reject(new FTPError(response));
  });
}

import type { Socket } from 'node:net';
import { now } from '../agent/clock';
import { report, type AgentReport } from '../agent/messages';

type Change = Extract<AgentReport, { type: 'data' }>['change'];

/** Reports a change of the client's end of a data connection. */
export function tellData(
  change: Change,
  ends: { local?: string; remote?: string; written?: number; read?: number; error?: string },
): void {
  const { local = null, remote = null, written = 0, read = 0, error = null } = ends;
  report({ type: 'data', at: now(), change, local, remote, written, read, error });
}

/**
 * Reports that a data connection is open.
 *
 * @returns to be called when the transfer is over. The socket's own close event would not do:
 * basic-ftp takes all listeners off a data socket when it is done with it.
 */
export function followData(socket: Socket): () => void {
  const ends = {
    local: `${socket.localAddress ?? '?'}:${socket.localPort ?? 0}`,
    remote: `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`,
  };
  tellData('connected', ends);
  return () => {
    tellData('closed', { ...ends, written: socket.bytesWritten, read: socket.bytesRead });
  };
}

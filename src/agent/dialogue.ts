import type { Socket } from 'node:net';
import { now } from './clock';
import { LineSplitter } from './lines';
import { report } from './messages';

/** A peer may send lines without end; the record stops here and says so. */
const MAX_LINES = 20_000;

/**
 * Reports every line that crosses a control connection, as this end sees it.
 *
 * @param role what this end is: a client's writes are commands, a server's are replies
 */
export function tapDialogue(socket: Socket, role: 'client' | 'server'): void {
  let peer = '';
  const opened = (): void => {
    peer = peerOf(socket);
    report({ type: 'control', at: now(), change: 'opened', peer });
  };
  if (socket.connecting || socket.remoteAddress === undefined) socket.once('connect', opened);
  else opened();
  socket.once('close', () => {
    report({ type: 'control', at: now(), change: 'closed', peer });
  });
  tapRead(socket, role);
  tapWritten(socket, role);
}

/** Reports the lines that this end reads, as far as the socket emits them: of TLS, the plain text. */
export function tapRead(socket: Socket, role: 'client' | 'server'): void {
  const record = recorder(socket, role === 'client' ? 'reply' : 'command');
  const incoming = new LineSplitter();
  socket.on('data', (chunk: Buffer | string) => {
    record(incoming.push(typeof chunk === 'string' ? chunk : chunk.toString('utf8')));
  });
}

/** Reports the lines that this end writes to the socket: of TLS, the plain text. */
export function tapWritten(socket: Socket, role: 'client' | 'server'): void {
  const record = recorder(socket, role === 'client' ? 'command' : 'reply');
  const outgoing = new LineSplitter();
  // Writes have no event of their own; the wrapper passes every argument on untouched.
  const write = socket.write.bind(socket);
  socket.write = ((...args: Parameters<Socket['write']>) => {
    const [data] = args as unknown as [string | Uint8Array];
    record(outgoing.push(typeof data === 'string' ? data : Buffer.from(data).toString('utf8')));
    return write(...args);
  }) as Socket['write'];
}

/** Reports lines of one direction, up to the most that a record holds. */
function recorder(socket: Socket, direction: 'command' | 'reply'): (lines: readonly string[]) => void {
  let count = 0;
  let peer = '';
  return (lines) => {
    peer = peerOf(socket) || peer;
    for (const line of lines) {
      count += 1;
      if (count <= MAX_LINES) report({ type: 'line', at: now(), direction, line, peer });
      if (count === MAX_LINES) {
        report({
          type: 'log',
          at: now(),
          line: `dialogue record stops after ${MAX_LINES} ${direction} lines`,
        });
      }
    }
  };
}

/** The other end of a connection; empty once the socket has forgotten it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort ?? 0}`;
}

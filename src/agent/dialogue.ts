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
  const written = role === 'client' ? 'command' : 'reply';
  const read = role === 'client' ? 'reply' : 'command';
  const incoming = new LineSplitter();
  const outgoing = new LineSplitter();
  let count = 0;
  let peer = '';
  const notePeer = (): void => {
    if (socket.remoteAddress !== undefined) {
      peer = `${socket.remoteAddress}:${socket.remotePort ?? 0}`;
    }
  };
  const record = (direction: 'command' | 'reply', lines: string[]): void => {
    notePeer();
    for (const line of lines) {
      count += 1;
      if (count <= MAX_LINES) report({ type: 'line', at: now(), direction, line, peer });
      if (count === MAX_LINES) {
        report({ type: 'log', at: now(), line: `dialogue record stops after ${MAX_LINES} lines` });
      }
    }
  };
  const opened = (): void => {
    notePeer();
    report({ type: 'control', at: now(), change: 'opened', peer });
  };
  if (socket.connecting || socket.remoteAddress === undefined) socket.once('connect', opened);
  else opened();
  socket.once('close', () => {
    report({ type: 'control', at: now(), change: 'closed', peer });
  });
  socket.on('data', (chunk: Buffer | string) => {
    record(read, incoming.push(typeof chunk === 'string' ? chunk : chunk.toString('utf8')));
  });
  // Writes have no event of their own; the wrapper passes every argument on untouched.
  const write = socket.write.bind(socket);
  socket.write = ((...args: Parameters<Socket['write']>) => {
    const [data] = args as unknown as [string | Uint8Array];
    record(written, outgoing.push(typeof data === 'string' ? data : Buffer.from(data).toString('utf8')));
    return write(...args);
  }) as Socket['write'];
}

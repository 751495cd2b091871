import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { FrameSplitter, frame } from './framing';

/** Connections at once. More are refused: whoever opens them is not one of the lab's clients. */
const MAX_CONNECTIONS = 100;

/** What a listener asks of the resolver. */
export interface Asked {
  /** the answer to a message from a peer (`address:port`); null: none */
  answer(message: Buffer, transport: 'udp' | 'tcp', peer: string): Buffer | null;
  /** something went wrong with one peer, and the listener goes on */
  trouble(what: string): void;
}

/** Answers DNS over UDP (RFC 1035 §4.2.1). Resolves when it listens. */
export function listenOnUdp(address: string, port: number, asked: Asked): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (message, { address: from, port: fromPort }) => {
    const reply = asked.answer(message, 'udp', `${from}:${fromPort}`);
    if (!reply) return;
    socket.send(reply, fromPort, from, (error) => {
      if (error) asked.trouble(`no answer to ${from}:${fromPort} over UDP: ${error.message}`);
    });
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port }, () => {
      socket.off('error', reject).on('error', (error) => {
        asked.trouble(`UDP: ${error.message}`);
      });
      resolve();
    });
  });
}

/**
 * Answers DNS over TCP (RFC 1035 §4.2.2, RFC 7766). Resolves when it listens.
 *
 * @param idleSeconds after which a connection that sends nothing is closed
 */
export function listenOnTcp(address: string, port: number, idleSeconds: number, asked: Asked): Promise<void> {
  const server = createServer((socket) => {
    serve(socket, idleSeconds, asked);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, () => {
      server.off('error', reject).on('error', (error) => {
        asked.trouble(`TCP: ${error.message}`);
      });
      resolve();
    });
  });
}

function serve(socket: Socket, idleSeconds: number, asked: Asked): void {
  const peer = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
  const frames = new FrameSplitter();
  socket.setTimeout(idleSeconds * 1000, () => {
    socket.destroy();
  });
  socket.on('error', (error) => {
    asked.trouble(`${peer} over TCP: ${error.message}`);
  });
  socket.on('data', (piece: Buffer) => {
    const replies = frames.push(piece).flatMap((message) => {
      const reply = asked.answer(message, 'tcp', peer);
      return reply ? [frame(reply)] : [];
    });
    if (replies.length === 0 || socket.write(Buffer.concat(replies))) return;
    // A peer that asks and does not read the answers is not listened to until it does.
    socket.pause();
    socket.once('drain', () => {
      socket.resume();
    });
  });
}

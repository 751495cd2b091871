import type { AddressInfo, Server, Socket } from 'node:net';
import { pipeline, Transform, type Readable, type Writable } from 'node:stream';
import type { Client, FTPResponse, TaskResolver } from 'basic-ftp';
import { followData, tellData } from './data-report';

/** What moves over the data connection: into a sink, or out of a source. */
export type Payload = { readonly into: Writable } | { readonly from: Readable };

/** One transfer in active mode. */
export interface ActiveTransfer {
  /** what names the data port to the server; none: nothing, it is the default data port */
  readonly command: 'PORT' | 'EPRT' | 'none';
  /** IPv4 address named in PORT or EPRT */
  readonly address: string;
  /** where the server is awaited; closed at the end */
  readonly listener: Server;
  /** the whole transfer request, e.g. `RETR file` */
  readonly request: string;
  readonly payload: Payload;
  /** told, as the payload moves, how many bytes have so far; null: nobody wants to know */
  readonly onMoved: ((bytes: number) => void) | null;
}

/**
 * An active-mode transfer (RFC 959 §3.2, PORT; RFC 2428, EPRT) on basic-ftp's control connection.
 *
 * basic-ftp is passive only. Its control connection, reply parser and one-task-at-a-time rule are
 * public (`client.send`, `client.ftp.handle`) and are used as they are. Its transfer functions are
 * not: they refuse to send RETR before a data socket is open, and in active mode the server opens it
 * because of RETR. So this one listens, sends PORT, sends the request, and then takes what comes.
 *
 * @throws the server's refusal, or what stayed away, after `client.ftp.timeout` without progress
 */
export async function activeTransfer(client: Client, transfer: ActiveTransfer): Promise<void> {
  const { command, address, listener } = transfer;
  try {
    if (command !== 'none') {
      const { port } = listener.address() as AddressInfo;
      await client.send(`${command} ${portArgument(command, address, port)}`);
    }
    await requestTransfer(client, transfer);
  } finally {
    listener.close();
  }
}

function portArgument(command: 'PORT' | 'EPRT', address: string, port: number): string {
  if (command === 'EPRT') return `|1|${address}|${port}|`;
  return [...address.split('.'), port >> 8, port & 255].join(',');
}

/** Sends the request and waits for both: the data connection's end, and the final reply. */
function requestTransfer(
  client: Client,
  { listener, request, payload, onMoved }: ActiveTransfer,
): Promise<void> {
  return client.ftp
    .handle(
      request,
      (() => {
        let finalReply: FTPResponse | undefined;
        let dataDone = false;
        let dataSocket: Socket | undefined;
        let resolver: TaskResolver | undefined;
        const settle = (): void => {
          if (finalReply && dataDone) resolver?.resolve(finalReply);
        };
        const take = (socket: Socket): void => {
          if (dataSocket || socket.remoteAddress !== client.ftp.socket.remoteAddress) {
            // RFC 2577 §5: only the server of this session may deliver.
            const remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
            tellData('failed', { remote, error: 'the data peer is not the control peer' });
            socket.destroy();
            return;
          }
          dataSocket = socket;
          const tellClosed = followData(socket);
          // The control connection is silent while data flows; its timer starts again afterwards.
          client.ftp.socket.setTimeout(0);
          socket.setTimeout(client.ftp.timeout, () => {
            socket.destroy(new Error(`no data for ${client.ftp.timeout / 1000} s`));
          });
          // pipeline() takes its own handler off when it is done; an error after that changes nothing.
          socket.on('error', () => undefined);
          move(socket, payload, onMoved, (error) => {
            tellClosed();
            socket.setTimeout(0);
            client.ftp.socket.setTimeout(client.ftp.timeout);
            dataDone = true;
            if (error) resolver?.reject(error);
            else settle();
          });
        };
        listener.on('connection', take);
        return (response: Error | FTPResponse, task: TaskResolver) => {
          resolver = task;
          if (response instanceof Error) {
            dataSocket?.destroy();
            task.reject(response);
          } else if (response.code >= 200) {
            finalReply = response;
            settle();
          }
        };
      })(),
    )
    .then(() => undefined);
}

function move(
  socket: Socket,
  payload: Payload,
  onMoved: ActiveTransfer['onMoved'],
  done: (error?: Error | null) => void,
): void {
  const counter = onMoved === null ? [] : [counting(onMoved)];
  if ('into' in payload) pipeline([socket, ...counter, payload.into], done);
  else pipeline([payload.from, ...counter, socket], done);
}

/** Passes everything on, and tells how much it was. */
function counting(onMoved: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      onMoved(bytes);
      callback(null, chunk);
    },
  });
}

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pipeline, type Readable, type Writable } from 'node:stream';
import type { Client, FTPResponse, TaskResolver } from 'basic-ftp';
import { followData, tellData } from './data-report';

/** What moves over the data connection: into a sink, or out of a source. */
export type Payload = { readonly into: Writable } | { readonly from: Readable };

/**
 * An active-mode transfer (RFC 959 §3.2, PORT; RFC 2428, EPRT) on basic-ftp's control connection.
 *
 * basic-ftp is passive only. Its control connection, reply parser and one-task-at-a-time rule are
 * public (`client.send`, `client.ftp.handle`) and are used as they are. Its transfer functions are
 * not: they refuse to send RETR before a data socket is open, and in active mode the server opens it
 * because of RETR. So this one listens, sends PORT, sends the request, and then takes what comes.
 *
 * @param address the client's own address, to listen on and to name in PORT
 * @param request the whole transfer request, e.g. `RETR file`
 * @throws the server's refusal, or what stayed away, after `client.ftp.timeout` without progress
 */
export async function activeTransfer(
  client: Client,
  options: {
    readonly command: 'PORT' | 'EPRT';
    readonly address: string;
    readonly request: string;
    readonly payload: Payload;
  },
): Promise<void> {
  const listener = await listen(options.address);
  try {
    const { port } = listener.address() as AddressInfo;
    await client.send(`${options.command} ${portArgument(options.command, options.address, port)}`);
    await requestTransfer(client, listener, options.request, options.payload);
  } finally {
    listener.close();
  }
}

function listen(address: string): Promise<Server> {
  const listener = createServer();
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, address, () => {
      const { port } = listener.address() as AddressInfo;
      tellData('listening', { local: `${address}:${port}` });
      resolve(listener);
    });
  });
}

function portArgument(command: 'PORT' | 'EPRT', address: string, port: number): string {
  if (command === 'EPRT') return `|1|${address}|${port}|`;
  return [...address.split('.'), port >> 8, port & 255].join(',');
}

/** Sends the request and waits for both: the data connection's end, and the final reply. */
function requestTransfer(client: Client, listener: Server, request: string, payload: Payload): Promise<void> {
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
          move(socket, payload, (error) => {
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

function move(socket: Socket, payload: Payload, done: (error?: Error | null) => void): void {
  if ('into' in payload) pipeline(socket, payload.into, done);
  else pipeline(payload.from, socket, done);
}

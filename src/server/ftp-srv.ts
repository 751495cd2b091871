import type { Socket } from 'node:net';
import FtpServer from 'ftp-srv';
import { now } from '../agent/clock';
import { tapDialogue } from '../agent/dialogue';
import { report, type ServerConfig } from '../agent/messages';
import { dialFromDataPort } from './active-connector';
import { ANONYMOUS_TLS } from '../agent/anonymous-tls';
import { occupy } from './busy-ports';
import { dialDefaultDataPort } from './default-data-port';
import { GeneratedFiles } from './generated-files';
import { observePassive } from './passive-connector';
import { secureControl } from './secured-control';

/** Starts ftp-srv as the plan says and resolves once it listens. */
export async function startFtpSrv(config: ServerConfig): Promise<void> {
  const dial = { patience: config.patience, anyPort: config.anyDataPort ?? false };
  dialFromDataPort(dial);
  dialDefaultDataPort(dial);
  observePassive(config.patience);
  secureControl();
  await occupy(config.address, config.busyPorts ?? null);
  const server = new FtpServer({
    url: `ftp://${config.address}:${config.port}`,
    pasv_url: addressIn227(config.advertised ?? config.address),
    pasv_min: config.passivePorts[0],
    pasv_max: config.passivePorts[1],
    anonymous: true,
    // Long sessions are what the lab studies; the default would be none too, but by accident.
    timeout: 0,
    // Offered to whoever asks for it with AUTH TLS.
    tls: ANONYMOUS_TLS,
    log: serverLog(),
  });
  server.on('login', ({ connection }, resolve: (answer: object) => void) => {
    if (config.standardReply) wordAsStandard(connection);
    resolve({ fs: new GeneratedFiles(config.files) });
  });
  // Typings leave the underlying net.Server out. The tap must be on before ftp-srv greets.
  const listener = (server as unknown as { server: NodeJS.EventEmitter }).server;
  listener.prependListener('connection', (socket: Socket) => {
    // Without this a 226 waits for the client's delayed ACK of the 150 (Nagle): 40 ms each.
    socket.setNoDelay(true);
    const { keepAlive = null } = config;
    if (keepAlive !== null) socket.setKeepAlive(keepAlive > 0, keepAlive * 1000);
    tapDialogue(socket, 'server');
  });
  await (server.listen() as Promise<unknown>);
}

/** What ftp-srv's typings do not tell of a session. */
interface Replier {
  reply(code: number, ...rest: unknown[]): unknown;
}

/** ftp-srv says "PASV OK (…)"; nearly all others say what RFC 959 has as an example, and some firewalls read that alone. */
function wordAsStandard(connection: Replier): void {
  const reply = connection.reply.bind(connection);
  connection.reply = (code, ...rest) =>
    reply(
      code,
      ...rest.map((part) =>
        code === 227 && typeof part === 'string' ? part.replace(/^PASV OK/, 'Entering Passive Mode') : part,
      ),
    );
}

/**
 * ftp-srv's `pasv_url` as the function its manual allows, of which its typings do not know: given as text it
 * would be overruled for clients of 127.0.0.1.
 */
function addressIn227(address: string): string {
  return (() => address) as unknown as string;
}

/** ftp-srv wants a bunyan-like logger; warnings and worse become the server log, the rest is in the dialogue. */
function serverLog(): object {
  const write = (...args: unknown[]): void => {
    const text = args.map((arg) => (arg instanceof Error ? arg.message : asText(arg))).join(' ');
    report({ type: 'log', at: now(), line: text.slice(0, 1000) });
  };
  const ignore = (): void => undefined;
  const log: { child: () => object } = {
    ...{ trace: ignore, debug: ignore, info: ignore, warn: write, error: write, fatal: write },
    child: () => log,
  };
  return log;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import {
  readMessages,
  type AgentReport,
  type ClientCommand,
  type ClientConfig,
  type FileSpec,
  type ServerCommand,
  type ServerConfig,
  type TransferCommand,
} from '../../src/agent/messages';
import { eventually, ROOT, scratch } from '../support';

// The lab's own FTP programs as children, over loopback: the real client against the real server.

export const LOOPBACK = '127.0.0.1';
export const CLIENT = 'src/client/basic-ftp-agent.ts';
export const SERVER = 'src/server/ftp-srv-agent.ts';

type Done = Extract<AgentReport, { type: 'done' }>;
type Of<T extends AgentReport['type']> = Extract<AgentReport, { type: T }>;

/** A program of the lab, told things in JSON lines; everything it reports is kept. */
export class Agent {
  readonly reports: AgentReport[] = [];
  private readonly child: ChildProcess;
  private errors = '';
  private commands = 0;

  constructor(bundle: string, config: ClientConfig | ServerConfig) {
    this.child = spawn(process.execPath, [bundle], { stdio: ['pipe', 'pipe', 'pipe'] });
    if (this.child.stdout)
      readMessages<AgentReport>(this.child.stdout, (report) => this.reports.push(report));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString('utf8')));
    this.send(config);
    running.push(this.child);
  }

  /** Resolves once it reported something that fits. */
  async said<T extends AgentReport['type']>(
    type: T,
    fits: (report: Of<T>) => boolean = () => true,
  ): Promise<Of<T>> {
    return eventually(() => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.errors}`);
      return this.all(type).find(fits);
    }, `a report of type ${type}`);
  }

  all<T extends AgentReport['type']>(type: T): Of<T>[] {
    return this.reports.filter((report): report is Of<T> => report.type === type);
  }

  /** What crossed the control connection in one direction. */
  lines(direction: 'command' | 'reply'): string[] {
    return this.all('line').flatMap((report) => (report.direction === direction ? [report.line] : []));
  }

  /** The lines that are hash marks. */
  marks(): string[] {
    return this.all('log').flatMap(({ line }) => (/^#+$/.test(line) ? [line] : []));
  }

  connect(): Promise<Done> {
    return this.do({ id: ++this.commands, do: 'connect' });
  }

  transfer(
    command: TransferCommand['command'],
    direction: 'download' | 'upload',
    file: FileSpec,
  ): Promise<Done> {
    return this.do({ id: ++this.commands, do: 'transfer', transfer: { command, direction, file } });
  }

  /** Has the client give its session up. */
  close(): Promise<Done> {
    return this.do({ id: ++this.commands, do: 'close' });
  }

  /** Has the server answer once all it saw is reported. */
  sync(): Promise<Done> {
    return this.do({ id: ++this.commands, do: 'sync' });
  }

  private do(command: ClientCommand | ServerCommand): Promise<Done> {
    this.send(command);
    return this.said('done', (done) => done.id === command.id);
  }

  private send(message: object): void {
    this.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** Bundles a program as the build does, into a folder of the test's own. */
export function bundle(entry: string): string {
  const outfile = join(scratch(), 'agent.js');
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/esbuild/bin/esbuild'),
      ...[entry, '--bundle', '--platform=node', '--target=node20', '--format=cjs', `--outfile=${outfile}`],
      ...['dtrace-provider', 'mv', 'safe-json-stringify', 'source-map-support'].map(
        (name) => `--external:${name}`,
      ),
      '--log-level=warning',
    ],
    { cwd: ROOT, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${entry} does not bundle: ${stderr}`);
  return outfile;
}

/**
 * The first of some ports of 127.0.0.1 in a row, all free, below those the system hands out by itself. Each of
 * Jest's workers has ports of its own, and gives none out twice before all had their turn: what is free for
 * one who asks is not yet taken by another.
 */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    if (nextPort + count > PORTS_EACH) nextPort = 0;
    const first = 10_000 + (Number(process.env['JEST_WORKER_ID'] ?? 1) % 4) * PORTS_EACH + nextPort;
    nextPort += count;
    const ports = Array.from({ length: count }, (_none, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
}
const PORTS_EACH = 5000;
let nextPort = Math.floor(Math.random() * PORTS_EACH);

/** Listens on a port of 127.0.0.1 until the test is over, and swallows what comes. */
export async function occupy(port: number): Promise<void> {
  const holder = createServer((socket) => socket.resume()).listen(port, LOOPBACK);
  holders.push(holder);
  await once(holder, 'listening');
}
const holders: Server[] = [];
afterEach(() => {
  for (const holder of holders.splice(0)) holder.close();
});

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, LOOPBACK, () =>
      probe.close(() => {
        resolve(true);
      }),
    );
  });
}

/** A server and a client that has not dialled yet. Unnamed settings are the plainest there are. */
export async function pair(
  bundles: { readonly client: string; readonly server: string },
  settings: {
    readonly client?: Partial<ClientConfig>;
    readonly server?: Partial<ServerConfig>;
    readonly files: readonly FileSpec[];
  },
): Promise<{ client: Agent; server: Agent; port: number }> {
  // The server dials from the port below its own, so that one must be free too.
  const port = (await freePorts(12)) + 1;
  const server = new Agent(bundles.server, {
    program: 'ftp-srv',
    address: LOOPBACK,
    port,
    passivePorts: [port + 1, port + 10],
    advertised: null,
    patience: 5,
    files: settings.files,
    ...settings.server,
  });
  await server.said('ready');
  const client = new Agent(bundles.client, {
    program: 'basic-ftp',
    address: LOOPBACK,
    server: { address: LOOPBACK, port, name: null },
    resolver: null,
    controlPort: null,
    listenPorts: null,
    advertised: null,
    hashMarks: false,
    patience: 5,
    ...settings.client,
  });
  return { client, server, port };
}

/** The digests of both ends, for every file that moved: sent by one, received by the other. */
export function moved(client: Agent, server: Agent): { name: string; same: boolean; bytes: number }[] {
  const sent = [...client.all('file'), ...server.all('file')].filter(({ role }) => role === 'sent');
  return sent.map(({ name, sha256, bytes, role }) => {
    const received = [...client.all('file'), ...server.all('file')].filter(
      (file) => file.name === name && file.role !== role,
    );
    return { name, bytes, same: received.some((file) => file.sha256 === sha256 && file.whole) };
  });
}

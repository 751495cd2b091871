import type { Server } from 'node:net';
import { Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } from 'basic-ftp';
// What the library takes by itself; its index exports the one that is for allowSeparateTransferHost only.
import { enterPassiveModeIPv4_forceControlHostIP } from 'basic-ftp/dist/transfer';
import { ANONYMOUS_TLS } from '../agent/anonymous-tls';
import { now } from '../agent/clock';
import { receiveFile, sendFile, type FileDigest } from '../agent/content';
import { tapRead, tapWritten } from '../agent/dialogue';
import { report, type ClientConfig, type FileSpec, type TransferCommand } from '../agent/messages';
import { activeTransfer, type Payload } from './active-transfer';
import { openControl } from './control-connection';
import { followData, tellData } from './data-report';
import { HashMarks } from './hash-marks';
import { listenOn, ListenPorts } from './listen-ports';
import { Noops } from './noops';
import { resolveName } from './resolve-name';

type PassiveCommand = 'PASV' | 'EPSV' | 'own';
type ActiveCommand = Exclude<TransferCommand['command'], PassiveCommand>;

/** basic-ftp, driven one command at a time. */
export class BasicFtp {
  private readonly client: Client;
  private readonly listenPorts: ListenPorts;
  /** how the library enters passive mode by itself: EPSV, then PASV, and from then on the one that worked */
  private own: Client['prepareTransfer'];
  /** how many sessions were begun */
  private sessions = 0;

  constructor(private readonly config: ClientConfig) {
    const allowSeparateTransferHost = config.separateTransferHost ?? false;
    this.client = new Client(config.patience * 1000, { allowSeparateTransferHost });
    this.own = this.client.prepareTransfer;
    this.listenPorts = new ListenPorts(config.address, config.listenPorts);
  }

  /** False once basic-ftp has given the session up. */
  get closed(): boolean {
    return this.client.closed;
  }

  /**
   * Resolves the server's name if it has one, dials, logs in anonymously, and asks for image type, so
   * that bytes stay bytes.
   */
  async connect(): Promise<void> {
    const { address, controlPort, patience, resolver, server } = this.config;
    const peer = server.name === null ? server.address : await resolveName(server.name, resolver, patience);
    // The last session's 4-tuple may be in TIME_WAIT here, and still open at a server or firewall that never
    // heard of its end.
    const from = controlPort === null ? null : { address, port: controlPort + this.sessions };
    this.sessions += 1;
    await openControl(this.client, { address: peer, port: server.port }, from, this.config.keepAlive ?? null);
    if (this.config.tls === true) await this.secure();
    await this.client.login();
    await this.client.send('TYPE I');
  }

  /** Asks for TLS on the control connection (RFC 4217 §4); the record goes on with what is said in it. */
  private async secure(): Promise<void> {
    await this.client.useTLS({ ...ANONYMOUS_TLS, rejectUnauthorized: false });
    tapRead(this.client.ftp.socket, 'client');
    tapWritten(this.client.ftp.socket, 'client');
  }

  /** Runs one transfer to its end. */
  async transfer(transfer: TransferCommand): Promise<void> {
    const { command } = transfer;
    const marks = this.hashMarks(transfer.file);
    const noops = transfer.noopEvery === undefined ? null : new Noops(this.client, transfer.noopEvery);
    try {
      if (isPassive(command)) await this.passive(transfer, command, marks);
      else await this.active(transfer, command, marks);
      await noops?.answered(this.config.patience);
    } finally {
      noops?.end();
      marks?.end();
    }
  }

  /** Sends one command and waits for its reply. */
  async command(line: string): Promise<void> {
    await this.client.send(line);
  }

  close(): void {
    this.client.close();
  }

  private async active(
    transfer: TransferCommand,
    command: ActiveCommand,
    marks: HashMarks | null,
  ): Promise<void> {
    const { address, advertised } = this.config;
    const listener = await (command === 'none' ? this.listenOnDefault() : this.listenPorts.next());
    const { payload, request } = this.payload(transfer);
    try {
      await activeTransfer(this.client, {
        command,
        address: advertised ?? address,
        listener,
        request,
        payload,
        onMoved: marks?.moved.bind(marks) ?? null,
      });
    } finally {
      if ('into' in payload) payload.into.destroy();
      else payload.from.destroy();
    }
  }

  /** The user's default data port is the port the control connection comes from (RFC 959 §3.2). */
  private listenOnDefault(): Promise<Server> {
    const { localPort } = this.client.ftp.socket;
    if (localPort === undefined) throw new Error('There is no control connection, so no default data port');
    return listenOn(this.config.address, localPort);
  }

  /** How a passive command is sent and its reply taken, by the library's own functions. */
  private entry(command: PassiveCommand): Client['prepareTransfer'] {
    if (command === 'own') return this.own;
    if (command === 'EPSV') return enterPassiveModeIPv6;
    return this.config.separateTransferHost === true
      ? enterPassiveModeIPv4
      : enterPassiveModeIPv4_forceControlHostIP;
  }

  private async passive(
    transfer: TransferCommand,
    command: PassiveCommand,
    marks: HashMarks | null,
  ): Promise<void> {
    let tellClosed = (): void => undefined;
    const enter: Client['prepareTransfer'] = async (ftp) => {
      tellData('dialling', {});
      const reply = await this.entry(command)(ftp).catch((error: unknown) => {
        tellData('failed', { error: error instanceof Error ? error.message : String(error) });
        throw error;
      });
      // The library's own choice puts what worked in its place, and this one must stay there to tell.
      if (command === 'own' && this.client.prepareTransfer !== enter) this.own = this.client.prepareTransfer;
      this.client.prepareTransfer = enter;
      if (ftp.dataSocket) tellClosed = followData(ftp.dataSocket);
      return reply;
    };
    this.client.prepareTransfer = enter;
    const { payload, name } = this.payload(transfer);
    if (marks)
      this.client.trackProgress(({ bytes }) => {
        marks.moved(bytes);
      });
    try {
      if (transfer.direction === 'list') await this.client.list();
      else if ('into' in payload) await this.client.downloadTo(payload.into, name);
      else await this.client.uploadFrom(payload.from, name);
    } finally {
      this.client.trackProgress();
      tellClosed();
    }
  }

  /** ftp(1) marks what goes into a file or comes out of one; a listing on the screen it does not. */
  private hashMarks(file: FileSpec | null): HashMarks | null {
    if (!this.config.hashMarks || file === null) return null;
    return new HashMarks(file.size, (line) => {
      report({ type: 'log', at: now(), line });
    });
  }

  private payload(transfer: TransferCommand): { payload: Payload; request: string; name: string } {
    if (transfer.direction === 'list' || !transfer.file) {
      return { payload: { into: receiveFile(tellFile('listing', 'received')) }, request: 'LIST', name: '' };
    }
    const { name } = transfer.file;
    if (transfer.direction === 'download') {
      return { payload: { into: receiveFile(tellFile(name, 'received')) }, request: `RETR ${name}`, name };
    }
    return { payload: { from: source(transfer.file) }, request: `STOR ${name}`, name };
  }
}

function isPassive(command: TransferCommand['command']): command is PassiveCommand {
  return command === 'PASV' || command === 'EPSV' || command === 'own';
}

function source(file: FileSpec): ReturnType<typeof sendFile> {
  return sendFile(file, tellFile(file.name, 'sent'));
}

function tellFile(name: string, role: 'sent' | 'received'): (digest: FileDigest) => void {
  return (digest) => {
    report({ type: 'file', at: now(), name, role, ...digest });
  };
}

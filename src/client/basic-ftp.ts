import { Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } from 'basic-ftp';
import { now } from '../agent/clock';
import { receiveFile, sendFile, type FileDigest } from '../agent/content';
import { tapDialogue } from '../agent/dialogue';
import { report, type ClientConfig, type FileSpec, type TransferCommand } from '../agent/messages';
import { activeTransfer, type Payload } from './active-transfer';
import { followData, tellData } from './data-report';

/** basic-ftp, driven one command at a time. */
export class BasicFtp {
  private readonly client: Client;

  constructor(private readonly config: ClientConfig) {
    this.client = new Client(config.patience * 1000);
  }

  /** False once basic-ftp has given the session up. */
  get closed(): boolean {
    return this.client.closed;
  }

  /** Dials, logs in anonymously, and asks for image type, so that bytes stay bytes. */
  async connect(): Promise<void> {
    const { address, port } = this.config.server;
    const greeting = this.client.connect(address, port);
    // connect() makes a fresh socket before it returns, so no byte can pass untapped.
    tapDialogue(this.client.ftp.socket, 'client');
    await greeting;
    await this.client.login();
    await this.client.send('TYPE I');
  }

  /** Runs one transfer to its end. */
  async transfer(transfer: TransferCommand): Promise<void> {
    if (transfer.command === 'PORT' || transfer.command === 'EPRT') await this.active(transfer);
    else await this.passive(transfer);
  }

  close(): void {
    this.client.close();
  }

  private async active(transfer: TransferCommand): Promise<void> {
    const { payload, request } = this.payload(transfer);
    try {
      await activeTransfer(this.client, {
        command: transfer.command === 'EPRT' ? 'EPRT' : 'PORT',
        address: this.config.address,
        request,
        payload,
      });
    } finally {
      if ('into' in payload) payload.into.destroy();
      else payload.from.destroy();
    }
  }

  private async passive(transfer: TransferCommand): Promise<void> {
    const enter = transfer.command === 'EPSV' ? enterPassiveModeIPv6 : enterPassiveModeIPv4;
    let tellClosed = (): void => undefined;
    this.client.prepareTransfer = async (ftp) => {
      tellData('dialling', {});
      const reply = await enter(ftp).catch((error: unknown) => {
        tellData('failed', { error: error instanceof Error ? error.message : String(error) });
        throw error;
      });
      if (ftp.dataSocket) tellClosed = followData(ftp.dataSocket);
      return reply;
    };
    const { payload, name } = this.payload(transfer);
    try {
      if (transfer.direction === 'list') await this.client.list();
      else if ('into' in payload) await this.client.downloadTo(payload.into, name);
      else await this.client.uploadFrom(payload.from, name);
    } finally {
      tellClosed();
    }
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

function source(file: FileSpec): ReturnType<typeof sendFile> {
  return sendFile(file, tellFile(file.name, 'sent'));
}

function tellFile(name: string, role: 'sent' | 'received'): (digest: FileDigest) => void {
  return (digest) => {
    report({ type: 'file', at: now(), name, role, ...digest });
  };
}

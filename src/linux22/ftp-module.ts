import { printAddress } from './addresses';
import { viewOf, type End, type Entry, type FtpRole } from './entry';
import type { Listener22, Refusal } from './events';
import {
  asksPassive,
  findIncomingPort,
  findPassiveReply,
  findPort,
  printHostPort,
  type HostPort,
} from './ftp-text';
import type { MasqueradeTable } from './masquerade-table';
import type { KernelProfile } from './kernels';
import { SYN, TCP, TCP_HEADER, type Packet } from './packet';
import { isAheadOfGap, noteResized, shiftAcknowledgement, shiftSequence } from './sequence-shift';

/** Options of `modprobe ip_masq_ftp`, ports of TCP. */
export interface FtpOptions {
  /** servers in the world */
  readonly ports: readonly number[];
  /** forwarded ports of the firewall, with servers behind them */
  readonly inPorts: readonly number[];
  /** ports no PORT may open, besides those below 1024 */
  readonly noPorts: readonly number[];
  /** marks of rules (`-m`), of connections to servers in the world and to servers behind; 0: none */
  readonly mark: number;
  readonly inMark: number;
}

export const FTP_DEFAULTS: FtpOptions = { ports: [21], inPorts: [], noPorts: [6000], mark: 0, inMark: 0 };

/** What the module needs of the firewall it is in. */
export interface FtpSurroundings {
  readonly table: MasqueradeTable;
  readonly emit: Listener22;
}

/** ip_masq_ftp: keeps control connections alive for their data connections, and rewrites PORT. */
export class FtpModule {
  readonly #kernel: KernelProfile;
  #options: FtpOptions | null = null;

  constructor(kernel: KernelProfile) {
    this.#kernel = kernel;
  }

  /** null: not loaded */
  get options(): FtpOptions | null {
    return this.#options;
  }

  load(options: FtpOptions): void {
    this.#options = options;
  }

  unload(): void {
    this.#options = null;
  }

  /** Whether the module reads a connection (ip_masq_app.c, ip_masq_bind_app): by the server's port, once. */
  roleOf(entry: Entry): FtpRole | null {
    if (!this.#options || entry.protocol !== TCP) return null;
    if (this.#options.ports.includes(entry.remotePort)) return 'client';
    return entry.givenPort && this.#options.inPorts.includes(entry.outsidePort) ? 'server' : null;
  }

  /** The same by the mark that rules gave the packet that makes the entry (ip_masq_app.c, ip_masq_bind_app_fwmark). */
  roleByMark(entry: Entry, mark: number): FtpRole | null {
    if (!this.#options || entry.protocol !== TCP || mark === 0) return null;
    if (mark === this.#options.mark) return 'client';
    return mark === this.#options.inMark ? 'server' : null;
  }

  /** Where the module takes a packet's payload to begin. */
  #textStart(packet: Packet): number {
    return this.#kernel.ftp.takesHeaderForPlain ? packet.headerLength + TCP_HEADER : packet.payloadStart;
  }

  /**
   * A packet of a connection the module reads, on its way out; its addresses are masqueraded already
   * (ip_masq_app.c, ip_masq_app_pkt_out, and ip_masq_ftp.c, masq_ftp_out).
   *
   * @returns why it must not go on; null: it may
   */
  outgoing(packet: Packet, entry: Entry, { table, emit }: FtpSurroundings, now: number): Refusal | null {
    const payload = packet.length - packet.payloadStart;
    if (isAheadOfGap(entry, packet, payload)) return 'ahead of a gap';
    // A connection of its own, over an entry that another one left.
    if ((packet.flags & SYN) !== 0) entry.resizes.length = 0;
    const { sequence } = packet;
    shiftSequence(entry, packet);
    if (payload === 0 || !this.#reads(entry)) return null;
    const at = this.#textStart(packet);
    const text = packet.bytes.toString('latin1', at);
    const found = this.#commandOut(entry, text);
    if (!found) return null;
    const control = viewOf(entry);
    if (entry.ftp === 'client' && this.#isGuarded(found.port)) {
      emit({ kind: 'port-refused', at: now, asked: endOf(found.address, found.port), control });
      return null;
    }
    const data = this.#listen(found, entry, packet.destination, table, now);
    if (!data) return null;
    const command = entry.ftp === 'client' ? 'PORT' : '227';
    const text22 = Buffer.from(printHostPort(data.outsideAddress, data.outsidePort), 'latin1');
    const grown = packet.replace(at + found.start, at + found.end, text22);
    if (grown === null) return 'bad transport header';
    if (grown !== 0) noteResized(entry, sequence, grown);
    const before = endOf(found.address, found.port);
    const after = endOf(data.outsideAddress, data.outsidePort);
    emit({ kind: 'data-expected', at: now, from: command, entry: viewOf(data), control });
    emit({ kind: 'rewritten', at: now, command, before, after, grown, control });
    return null;
  }

  #reads(entry: Entry): boolean {
    return this.#options !== null && (!this.#kernel.ftp.needsEstablished || entry.state === 'ESTABLISHED');
  }

  #commandOut(entry: Entry, text: string): HostPort | null {
    const early = this.#kernel.ftp.readsEarly;
    if (entry.ftp === 'server') return findPassiveReply(text, false);
    const port = findPort(text, early);
    if ((early || !port) && asksPassive(text, early)) entry.awaitsPassive = true;
    return port;
  }

  #isGuarded(port: number): boolean {
    if (!this.#kernel.ftp.guardsPorts) return false;
    return port < 1024 || (this.#options?.noPorts.includes(port) ?? false);
  }

  /**
   * The entry on which the world's data connection will arrive: its remote port is not known yet, and its
   * state is LISTEN. That the address is the client's own is not checked.
   */
  #listen(
    { address, port }: HostPort,
    control: Entry,
    remoteAddress: number,
    table: MasqueradeTable,
    now: number,
  ): Entry | null {
    let data = table.findOutbound(TCP, address, port, remoteAddress, 0);
    if (!data) {
      data = table.create(
        {
          protocol: TCP,
          outsideAddress: control.outsideAddress,
          insideAddress: address,
          insidePort: port,
          remoteAddress,
          remotePort: 0,
          anyRemotePort: true,
        },
        now,
      );
      if (!data) return null;
      table.attach(data, control);
    }
    table.arm(data, 'LISTEN', now);
    return data;
  }

  /**
   * A packet of a connection the module reads, on its way in; its addresses are demasqueraded already
   * (ip_masq_app.c, ip_masq_app_pkt_in, and ip_masq_ftp.c, masq_ftp_in).
   */
  incoming(packet: Packet, entry: Entry, { table, emit }: FtpSurroundings, now: number): Refusal | null {
    shiftAcknowledgement(entry, packet, this.#kernel.acknowledges);
    if (packet.length === packet.payloadStart || !this.#reads(entry)) return null;
    if (entry.ftp === 'client' && !entry.awaitsPassive) return null;
    const text = packet.bytes.toString('latin1', this.#textStart(packet));
    const found =
      entry.ftp === 'client' ? findPassiveReply(text, this.#kernel.ftp.readsEarly) : findIncomingPort(text);
    if (!found) return null;
    const data = this.#dial(found, entry, table, now);
    if (!data) return null;
    entry.awaitsPassive = false;
    const from = entry.ftp === 'client' ? '227' : 'PORT';
    emit({ kind: 'data-expected', at: now, from, entry: viewOf(data), control: viewOf(entry) });
    return null;
  }

  /**
   * The entry on which the inside will dial the data connection: its inside port is not known yet, and its
   * state is NONE. It is made only so that it can point at its control connection.
   */
  #dial({ address, port }: HostPort, control: Entry, table: MasqueradeTable, now: number): Entry | null {
    const known = table.findOutbound(TCP, control.insideAddress, 0, address, port);
    if (known) {
      table.rearm(known, now);
      return known;
    }
    const data = table.create(
      {
        protocol: TCP,
        outsideAddress: control.outsideAddress,
        insideAddress: control.insideAddress,
        insidePort: 0,
        remoteAddress: address,
        remotePort: port,
        anyInsidePort: true,
      },
      now,
    );
    if (!data) return null;
    table.attach(data, control);
    table.arm(data, 'NONE', now);
    return data;
  }
}

function endOf(address: number, port: number): End {
  return { address: printAddress(address), port };
}

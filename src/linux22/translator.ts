import { printAddress } from './addresses';
import type { Entry } from './entry';
import type { Refusal } from './events';
import type { FtpModule, FtpSurroundings } from './ftp-module';
import * as icmp from './icmp';
import { blankRecordedAddresses } from './ip-options';
import type { KernelLog } from './kernel-log';
import { protocolName } from './masquerade-table';
import { ICMP, IP_HEADER, TCP, UDP, renewHeaderChecksum, type Packet } from './packet';
import type { PortForwards } from './portfw';

/** Masquerading and demasquerading of packets (ip_masq.c). Times in seconds, given from outside. */
export class Translator {
  readonly #ftp: FtpModule;
  readonly #forwards: PortForwards;
  readonly #surroundings: FtpSurroundings;
  readonly #log: Pick<KernelLog, 'say' | 'debug'>;

  constructor(
    ftp: FtpModule,
    forwards: PortForwards,
    surroundings: FtpSurroundings,
    log: Pick<KernelLog, 'say' | 'debug'>,
  ) {
    this.#log = log;
    this.#ftp = ftp;
    this.#forwards = forwards;
    this.#surroundings = surroundings;
  }

  /**
   * Gives a packet the firewall's address (ip_masq.c, ip_fw_masquerade). There is no check for SYN: any packet
   * makes an entry.
   *
   * @param address of the interface it leaves by
   * @returns its entry; or why it cannot be masqueraded
   */
  masquerade(packet: Packet, address: number, now: number): Entry | Refusal {
    // While there is an entry they come put together; the first of all packets may not.
    if (packet.isFragment) return 'stray fragment';
    const start = packet.payloadStart;
    if (start < 0) return 'bad transport header';
    if (start === 0) return 'cannot be masqueraded';
    const entry =
      packet.protocol === ICMP
        ? this.#masqueradeRequest(packet, address, now)
        : this.#masqueradePorts(packet, address, now);
    if (typeof entry !== 'string') this.#hideOptions(packet);
    return entry;
  }

  #hideOptions(packet: Packet): void {
    if (packet.headerLength === IP_HEADER) return;
    if (blankRecordedAddresses(packet.bytes, packet.headerLength))
      renewHeaderChecksum(packet.bytes, 0, packet.headerLength);
  }

  #masqueradePorts(packet: Packet, address: number, now: number): Entry | Refusal {
    const { table } = this.#surroundings;
    const { protocol, source, sourcePort, destination, destinationPort } = packet;
    let entry = table.findOutbound(protocol, source, sourcePort, destination, destinationPort);
    // The kernel checks all packets; here those whose content counts: others keep a wrong checksum wrong.
    const checked = entry?.ftp !== null;
    if (checked && !packet.transportChecksumHolds()) return this.#badChecksum('Outgoing', packet);
    if (!entry) {
      const ends = { insideAddress: source, insidePort: sourcePort, outsideAddress: address };
      const remote = { remoteAddress: destination, remotePort: destinationPort };
      entry = table.create({ protocol, ...ends, ...remote }, now);
      if (!entry) return 'table full';
      if (!entry.ftp) table.bind(entry, this.#ftp.roleByMark(entry, packet.mark));
    } else if (entry.anyInsidePort) table.learnInsidePort(entry, sourcePort);
    if (entry.anyRemote) table.learnRemote(entry, destination, destinationPort);
    packet.setSource(entry.outsideAddress);
    packet.setSourcePort(entry.outsidePort);
    if (entry.ftp) {
      const wrong = this.#ftp.outgoing(packet, entry, this.#surroundings, now);
      if (wrong) return wrong;
    }
    packet.completeChecksum();
    table.touch(entry, 'output', packet.flags, now);
    return entry;
  }

  #badChecksum(which: string, { protocol, source, transportLength }: Packet): Refusal {
    const from = `${protocolName(protocol)} checksum from ${printAddress(source)}`;
    this.#log.debug(`IP_MASQ:${which} failed ${from} (size=${transportLength})!`);
    return 'bad transport checksum';
  }

  #masqueradeRequest(packet: Packet, address: number, now: number): Entry | Refusal {
    const type = packet.sourcePort;
    // The kernel lets other messages out as they are, with the inside's address.
    if (!icmp.isRequest(type)) return 'cannot be masqueraded';
    let entry = icmp.findRequest(packet, this.#surroundings.table);
    if (!entry) {
      if (!packet.transportChecksumHolds()) return 'bad transport checksum';
      entry = this.#surroundings.table.create(
        {
          protocol: ICMP,
          outsideAddress: address,
          insideAddress: packet.source,
          insidePort: icmp.identifierOf(packet),
          remoteAddress: packet.destination,
          remotePort: icmp.requestKey(type, packet.destinationPort),
        },
        now,
      );
      if (!entry) return 'table full';
    }
    packet.setSource(entry.outsideAddress);
    icmp.setIdentifier(packet, entry.outsidePort);
    this.#surroundings.table.touch(entry, 'output', 0, now);
    return entry;
  }

  /**
   * Changes what an ICMP error quotes that an inside host sends about a masqueraded packet (ip_masq.c,
   * ip_fw_masq_icmp).
   *
   * @returns its entry; null: it has none; or why it is dropped
   */
  masqueradeError(packet: Packet): Entry | null | Refusal {
    const entry = icmp.translateErrorOut(packet, this.#surroundings.table);
    if (entry === 'bad transport checksum')
      this.#log.debug(`IP_MASQ:forward ICMP: failed checksum from ${printAddress(packet.source)}!`);
    return entry;
  }

  /**
   * Gives a packet the inside host's address back (ip_masq.c, ip_fw_demasquerade).
   *
   * @param packet whole: fragments to the firewall itself are put together before
   * @returns its entry; null: it has none, and was not changed; or why it is dropped
   */
  demasquerade(packet: Packet, now: number): Entry | null | Refusal {
    const { protocol } = packet;
    const start = packet.payloadStart;
    if (start < 0) return 'bad transport header';
    if (protocol === ICMP) return this.#demasqueradeIcmp(packet, now);
    if (protocol !== TCP && protocol !== UDP) return null;
    const { table } = this.#surroundings;
    const { source, sourcePort, destination, destinationPort } = packet;
    let entry = table.findInbound(protocol, source, sourcePort, destination, destinationPort);
    if (!entry || entry.ftp) {
      if (!packet.transportChecksumHolds()) return this.#badChecksum('Incoming', packet);
      const known = entry !== null;
      entry ??= this.#forwards.entryFor(packet, table, now);
      if (!entry) return this.#forwards.find(protocol, destination, destinationPort) ? 'table full' : null;
      if (!known && !entry.ftp) table.bind(entry, this.#ftp.roleByMark(entry, packet.mark));
    }
    table.learnRemote(entry, source, sourcePort);
    packet.setDestination(entry.insideAddress);
    packet.setDestinationPort(entry.insidePort);
    if (entry.ftp) {
      const wrong = this.#ftp.incoming(packet, entry, this.#surroundings, now);
      if (wrong) return wrong;
    }
    packet.completeChecksum();
    table.touch(entry, 'input', packet.flags, now);
    return entry;
  }

  #demasqueradeIcmp(packet: Packet, now: number): Entry | null | Refusal {
    const type = packet.sourcePort;
    if (icmp.isTranslatedError(type)) {
      const entry = icmp.translateErrorIn(packet, this.#surroundings.table);
      if (entry === 'bad transport checksum')
        this.#log.say(`IP_MASQ:reverse ICMP: failed checksum from ${printAddress(packet.source)}!`);
      return entry;
    }
    const entry = icmp.findReply(packet, this.#surroundings.table);
    if (!entry) return null;
    packet.setDestination(entry.insideAddress);
    icmp.setIdentifier(packet, entry.insidePort);
    this.#surroundings.table.touch(entry, 'input', 0, now);
    return entry;
  }

  /**
   * Undoes demasquerading: what an ICMP error quotes has the addresses its receiver knows (ip_masq.c,
   * ip_fw_unmasq_icmp).
   */
  restoreDestination(packet: Packet, entry: Entry): void {
    packet.setDestination(entry.outsideAddress);
    if (packet.protocol === ICMP) icmp.setIdentifier(packet, entry.outsidePort);
    else packet.setDestinationPort(entry.outsidePort);
  }

  /** As `restoreDestination`, for a packet that had been masqueraded. */
  restoreSource(packet: Packet, entry: Entry): void {
    packet.setSource(entry.insideAddress);
    if (packet.protocol === ICMP) icmp.setIdentifier(packet, entry.insidePort);
    else packet.setSourcePort(entry.insidePort);
  }
}

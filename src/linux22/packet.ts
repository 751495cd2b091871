import { adjusted, adjustedLong, finish, sumOf } from './checksum';

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const ACK = 0x10;

/** Where in the IPv4 header things stand (RFC 791 §3.1). */
const TOTAL_LENGTH = 2;
const FRAGMENT = 6;
const TTL = 8;
const HEADER_CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;
export const IP_HEADER = 20;
export const TCP_HEADER = 20;

const NOTHING = Buffer.alloc(0);

/** What a packet is refused for before any rule sees it (ip_input.c, ip_rcv). */
export type HeaderFault = 'truncated' | 'not IPv4' | 'bad header length' | 'bad length' | 'bad checksum';

/**
 * An IPv4 packet and what its headers say, rewritten in place.
 *
 * One object serves packet after packet: `read` fills it anew, so that a bulk flow makes no garbage. Ports
 * and flags may be used only while `portsKnown`; all numbers are in host order, addresses unsigned.
 */
export class Packet {
  /** the packet, without what the link added behind it */
  bytes: Buffer = NOTHING;
  headerLength = 0;
  protocol = 0;
  source = 0;
  destination = 0;
  /** in units of eight bytes; 0 for whole packets and first fragments */
  fragmentOffset = 0;
  moreFragments = false;
  /** a whole packet or first fragment with all that rules ask of its header (ip_fw.c, ip_fw_check, size_req) */
  portsKnown = false;
  /** TCP and UDP; for ICMP type and code, as rules compare them */
  sourcePort = 0;
  destinationPort = 0;
  /** TCP's control bits */
  flags = 0;
  /** fwmark: what `-m` leaves on the packet between chains */
  mark = 0;

  /**
   * Reads the IP header and the first bytes of the one inside.
   *
   * @returns what ip_rcv would drop it for; null: nothing, and all fields are set
   */
  read(buffer: Buffer): HeaderFault | null {
    if (buffer.length < IP_HEADER) return 'truncated';
    const first = buffer.readUInt8(0);
    if (first >> 4 !== 4) return 'not IPv4';
    const headerLength = (first & 0x0f) * 4;
    if (headerLength < IP_HEADER) return 'bad header length';
    const length = buffer.readUInt16BE(TOTAL_LENGTH);
    if (length < headerLength) return 'bad length';
    if (length > buffer.length) return 'truncated';
    if (finish(sumOf(buffer, 0, headerLength)) !== 0) return 'bad checksum';
    this.bytes = length === buffer.length ? buffer : buffer.subarray(0, length);
    this.headerLength = headerLength;
    this.protocol = buffer.readUInt8(9);
    this.source = buffer.readUInt32BE(SOURCE);
    this.destination = buffer.readUInt32BE(DESTINATION);
    const fragment = buffer.readUInt16BE(FRAGMENT);
    this.fragmentOffset = fragment & 0x1fff;
    this.moreFragments = (fragment & 0x2000) !== 0;
    this.mark = 0;
    this.#readPorts();
    return null;
  }

  #readPorts(): void {
    const { bytes, headerLength: at, protocol } = this;
    const size = bytes.length - at;
    const needed = protocol === TCP ? 16 : protocol === UDP || protocol === ICMP ? 8 : 0;
    this.portsKnown = this.fragmentOffset === 0 && size >= needed;
    this.sourcePort = 0xffff;
    this.destinationPort = 0xffff;
    this.flags = 0;
    if (!this.portsKnown || needed === 0) return;
    if (protocol === ICMP) {
      this.sourcePort = bytes.readUInt8(at);
      this.destinationPort = bytes.readUInt8(at + 1);
      return;
    }
    this.sourcePort = bytes.readUInt16BE(at);
    this.destinationPort = bytes.readUInt16BE(at + 2);
    if (protocol === TCP) this.flags = bytes.readUInt8(at + 13);
  }

  get length(): number {
    return this.bytes.length;
  }

  get identification(): number {
    return this.bytes.readUInt16BE(4);
  }

  get tos(): number {
    return this.bytes.readUInt8(1);
  }

  get ttl(): number {
    return this.bytes.readUInt8(TTL);
  }

  /** Bytes after the IP header. */
  get transportLength(): number {
    return this.bytes.length - this.headerLength;
  }

  get isFragment(): boolean {
    return this.fragmentOffset !== 0 || this.moreFragments;
  }

  /**
   * Where the transport's payload begins, within `bytes`; -1 if the transport header does not fit (ip_masq.c,
   * proto_doff), 0 for protocols without ports.
   */
  get payloadStart(): number {
    const size = this.transportLength;
    switch (this.protocol) {
      case ICMP:
      case UDP:
        return size < 8 ? -1 : this.headerLength + 8;
      case TCP: {
        if (size < TCP_HEADER) return -1;
        const header = (this.bytes.readUInt8(this.headerLength + 12) >> 4) * 4;
        return header < TCP_HEADER || header > size ? -1 : this.headerLength + header;
      }
      default:
        return 0;
    }
  }

  get sequence(): number {
    return this.bytes.readUInt32BE(this.headerLength + 4);
  }

  get acknowledgement(): number {
    return this.bytes.readUInt32BE(this.headerLength + 8);
  }

  /** Whether the transport's checksum is right; UDP without one is. For whole packets only. */
  transportChecksumHolds(): boolean {
    const { bytes, headerLength: at, protocol } = this;
    if (protocol === UDP && bytes.readUInt16BE(at + 6) === 0) return true;
    const sum = sumOf(bytes, at, bytes.length);
    if (protocol === ICMP) return finish(sum) === 0;
    return finish(sum + this.#pseudoHeader()) === 0;
  }

  #pseudoHeader(): number {
    return sumOf(this.bytes, SOURCE, SOURCE + 8) + this.protocol + this.transportLength;
  }

  setSource(address: number): void {
    this.#setAddress(SOURCE, this.source, address);
    this.source = address;
  }

  setDestination(address: number): void {
    this.#setAddress(DESTINATION, this.destination, address);
    this.destination = address;
  }

  #setAddress(at: number, before: number, after: number): void {
    const { bytes } = this;
    bytes.writeUInt32BE(after, at);
    bytes.writeUInt16BE(adjustedLong(bytes.readUInt16BE(HEADER_CHECKSUM), before, after), HEADER_CHECKSUM);
    // The pseudo-header has the addresses too (RFC 9293 §3.1, RFC 768); ICMP has none.
    const checksum = this.#checksumAt();
    if (checksum === 0) return;
    this.#writeChecksum(checksum, adjustedLong(bytes.readUInt16BE(checksum), before, after));
  }

  /** Where a checksum with pseudo-header stands; 0: nowhere in this packet. */
  #checksumAt(): number {
    if (this.fragmentOffset !== 0) return 0;
    const at = this.headerLength;
    if (this.protocol === TCP) return this.transportLength < TCP_HEADER ? 0 : at + 16;
    if (this.protocol !== UDP || this.transportLength < 8) return 0;
    // Zero: the sender made none (RFC 768).
    return this.bytes.readUInt16BE(at + 6) === 0 ? 0 : at + 6;
  }

  #writeChecksum(at: number, value: number): void {
    this.bytes.writeUInt16BE(this.protocol === UDP && value === 0 ? 0xffff : value, at);
  }

  setSourcePort(port: number): void {
    this.#setPort(this.headerLength, this.sourcePort, port);
    this.sourcePort = port;
  }

  setDestinationPort(port: number): void {
    this.#setPort(this.headerLength + 2, this.destinationPort, port);
    this.destinationPort = port;
  }

  #setPort(at: number, before: number, after: number): void {
    this.bytes.writeUInt16BE(after, at);
    const checksum = this.#checksumAt();
    if (checksum !== 0)
      this.#writeChecksum(checksum, adjusted(this.bytes.readUInt16BE(checksum), before, after));
  }

  setSequence(value: number): void {
    this.#setTcpNumber(this.headerLength + 4, value);
  }

  setAcknowledgement(value: number): void {
    this.#setTcpNumber(this.headerLength + 8, value);
  }

  #setTcpNumber(at: number, value: number): void {
    const before = this.bytes.readUInt32BE(at);
    this.bytes.writeUInt32BE(value, at);
    const checksum = this.headerLength + 16;
    this.#writeChecksum(checksum, adjustedLong(this.bytes.readUInt16BE(checksum), before, value));
  }

  setTos(value: number): void {
    const before = this.bytes.readUInt16BE(0);
    this.bytes.writeUInt8(value, 1);
    this.#adjustHeader(before, this.bytes.readUInt16BE(0));
  }

  decrementTtl(): void {
    const before = this.bytes.readUInt16BE(TTL);
    this.bytes.writeUInt8(this.ttl - 1, TTL);
    this.#adjustHeader(before, this.bytes.readUInt16BE(TTL));
  }

  #adjustHeader(before: number, after: number): void {
    const { bytes } = this;
    bytes.writeUInt16BE(adjusted(bytes.readUInt16BE(HEADER_CHECKSUM), before, after), HEADER_CHECKSUM);
  }

  /**
   * Puts other text in the place of bytes `from` to `to`, which may change the length: then the packet is a
   * new one (ip_masq_app.c, ip_masq_skb_replace).
   *
   * @returns by how much the packet grew; null: it would be longer than an IP packet can be
   */
  replace(from: number, to: number, text: Buffer): number | null {
    const { bytes } = this;
    const difference = text.length - (to - from);
    if (bytes.length + difference > 0xffff) return null;
    if (difference === 0) text.copy(bytes, from);
    else {
      this.bytes = Buffer.concat([bytes.subarray(0, from), text, bytes.subarray(to)]);
      this.bytes.writeUInt16BE(this.bytes.length, TOTAL_LENGTH);
      this.#adjustHeader(bytes.length, this.bytes.length);
    }
    this.renewTransportChecksum();
    return difference;
  }

  /** Gives UDP that came without a checksum one, as masquerading does in both directions (ip_masq.c). */
  completeChecksum(): void {
    if (this.protocol === UDP && this.bytes.readUInt16BE(this.headerLength + 6) === 0)
      this.renewTransportChecksum();
  }

  /** Computes the checksum of TCP, UDP or ICMP from scratch. */
  renewTransportChecksum(): void {
    const { bytes, headerLength: at, protocol } = this;
    const checksum = protocol === TCP ? at + 16 : protocol === UDP ? at + 6 : at + 2;
    bytes.writeUInt16BE(0, checksum);
    const pseudo = protocol === ICMP ? 0 : this.#pseudoHeader();
    this.#writeChecksum(checksum, finish(sumOf(bytes, at, bytes.length) + pseudo));
  }
}

/** Computes the checksum of an IP header that stands at `at`; for headers quoted in ICMP and packets of our own. */
export function renewHeaderChecksum(bytes: Buffer, at: number, headerLength: number): void {
  bytes.writeUInt16BE(0, at + HEADER_CHECKSUM);
  bytes.writeUInt16BE(finish(sumOf(bytes, at, at + headerLength)), at + HEADER_CHECKSUM);
}

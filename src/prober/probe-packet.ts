import { isIPv4 } from 'node:net';
import { PROBE_WINDOW, probeSequence } from '../agent/probe-mark';

/** TCP's control bits by the letter they are probed with (RFC 9293 §3.1). */
const FLAG_BITS: Readonly<Record<string, number>> = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, A: 0x10, U: 0x20 };
const SYN = 0x02;
const ACK = 0x10;

const IP_HEADER = 20;
const TCP_HEADER = 20;
const TCP_PROTOCOL = 6;
const TTL = 64;
/** Maximum segment size, kind 2, length 4: 1460, what Ethernet's 1500 leaves (RFC 9293 §3.7.1). */
const MSS_OPTION = [2, 4, 1460 >> 8, 1460 & 0xff];

/** One packet to be. */
export interface Probe {
  /** IPv4 addresses */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** control bits, see `flagBits` */
  readonly flags: number;
  /** number of the probe it belongs to, 1 to 65535 */
  readonly mark: number;
}

/**
 * TCP's control bits for letters of SFRPAU; none for the empty text.
 *
 * @throws an Error that names the letter it does not know
 */
export function flagBits(letters: string): number {
  let bits = 0;
  for (const letter of letters) {
    const bit = FLAG_BITS[letter];
    if (bit === undefined) {
      throw new Error(
        `"${letter}" is no TCP flag; allowed: S (SYN), F (FIN), R (RST), P (PSH), A (ACK), U (URG)`,
      );
    }
    bits |= bit;
  }
  return bits;
}

/**
 * An IPv4 packet with a TCP header and no data, for a raw socket with IP_HDRINCL.
 *
 * The TCP checksum is right (RFC 9293 §3.1). The IP header's checksum is zero: the kernel fills it in
 * (raw(7)). Identification, sequence number and window carry its mark, see `agent/probe-mark`. An ACK acknowledges something, and a SYN carries a maximum segment size,
 * as those of real stacks do: connection tracking looks at both.
 *
 * @throws an Error for an address that is not IPv4 or a port that does not exist
 */
export function probePacket(probe: Probe): Buffer {
  const options = (probe.flags & SYN) === 0 ? [] : MSS_OPTION;
  const tcpLength = TCP_HEADER + options.length;
  const packet = Buffer.alloc(IP_HEADER + tcpLength);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(probe.mark, 4);
  packet.writeUInt8(TTL, 8);
  packet.writeUInt8(TCP_PROTOCOL, 9);
  packet.set(addressBytes(probe.source), 12);
  packet.set(addressBytes(probe.destination), 16);

  const sequence = probeSequence(checkedPort(probe.sourcePort), checkedPort(probe.destinationPort));
  const tcp = packet.subarray(IP_HEADER);
  tcp.writeUInt16BE(probe.sourcePort, 0);
  tcp.writeUInt16BE(probe.destinationPort, 2);
  tcp.writeUInt32BE(sequence, 4);
  if ((probe.flags & ACK) !== 0) tcp.writeUInt32BE(acknowledged(sequence), 8);
  tcp.writeUInt8((tcpLength / 4) << 4, 12);
  tcp.writeUInt8(probe.flags, 13);
  tcp.writeUInt16BE(PROBE_WINDOW, 14);
  tcp.set(options, TCP_HEADER);
  tcp.writeUInt16BE(checksum(packet, tcpLength), 16);
  return packet;
}

/** The four bytes of an IPv4 address. @throws an Error when it is none */
export function addressBytes(address: string): number[] {
  if (!isIPv4(address)) throw new Error(`"${address}" is no IPv4 address; allowed: one such as 203.0.113.5`);
  return address.split('.').map(Number);
}

/** The port itself. @throws an Error when it is none: no packet of the lab's has port 0 (RFC 6335 §6) */
export function checkedPort(port: number): number {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`port ${port} is out of range; allowed: a number from 1 to 65535`);
  }
  return port;
}

/** Some number that is never zero: as arbitrary as the peer's sequence number would be. */
function acknowledged(sequence: number): number {
  return ((sequence ^ 0x5555_5554) | 1) >>> 0;
}

/**
 * The TCP checksum: over the pseudo-header (addresses, protocol, TCP length), header and options, all of
 * which are whole 16-bit words; the checksum's own field is still zero.
 */
function checksum(packet: Buffer, tcpLength: number): number {
  let sum = TCP_PROTOCOL + tcpLength;
  for (let at = 12; at < packet.length; at += 2) sum += packet.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

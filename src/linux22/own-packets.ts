import { ECHO_REPLY } from './icmp';
import { echoedOptions } from './ip-options';
import { ACK, FIN, ICMP, IP_HEADER, SYN, TCP, TCP_HEADER, Packet, renewHeaderChecksum } from './packet';

/** Of all that the kernel says by itself (icmp.c, icmp_init; tcp_ipv4.c, tcp_v4_init: MAXTTL). */
const TTL = 255;
/** An ICMP error quotes as much as fits in here (icmp.c, icmp_send; RFC 1122 §3.2.2: no more than 576). */
const LONGEST_ERROR = 576;
/** The part of a type of service that is none of precedence (linux/ip.h, IPTOS_TOS_MASK), and errors' precedence. */
const TOS_MASK = 0x1e;
const INTERNETWORK_CONTROL = 0xc0;

/** Who answers a packet. */
export interface Own {
  /** address the answer comes from */
  readonly source: number;
  readonly identification: number;
}

/**
 * An IPv4 packet that answers another, with its options as far as they are echoed (ip_options.c, ip_options_echo).
 *
 * @returns null when its options cannot be echoed: then there is no answer
 */
function answer(
  packet: Packet,
  own: Own,
  protocol: number,
  tos: number,
  makePayload: (room: number) => Buffer,
): Buffer | null {
  const options = echoedOptions(packet.bytes, packet.headerLength, own.source);
  if (options === null) return null;
  const headerLength = IP_HEADER + options.length;
  const payload = makePayload(LONGEST_ERROR - headerLength);
  const bytes = Buffer.alloc(headerLength + payload.length);
  bytes.writeUInt8(0x40 | (headerLength / 4), 0);
  bytes.writeUInt8(tos, 1);
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(own.identification, 4);
  bytes.writeUInt8(TTL, 8);
  bytes.writeUInt8(protocol, 9);
  bytes.writeUInt32BE(own.source, 12);
  bytes.writeUInt32BE(packet.source, 16);
  options.copy(bytes, IP_HEADER);
  renewHeaderChecksum(bytes, 0, headerLength);
  payload.copy(bytes, headerLength);
  const made = new Packet();
  if (made.read(bytes) === null) made.renewTransportChecksum();
  return bytes;
}

/**
 * The RST that answers a TCP packet nobody listens for (tcp_ipv4.c, tcp_v4_send_reset; RFC 9293 §3.10.7.1):
 * from the address the packet was sent to.
 *
 * @param packet with a whole TCP header, and not an RST itself
 */
export function tcpReset(packet: Packet, identification: number): Buffer | null {
  return answer(packet, { source: packet.destination, identification }, TCP, packet.tos, () => {
    const header = Buffer.alloc(TCP_HEADER);
    const { flags } = packet;
    header.writeUInt16BE(packet.destinationPort, 0);
    header.writeUInt16BE(packet.sourcePort, 2);
    header.writeUInt8((TCP_HEADER / 4) << 4, 12);
    if ((flags & ACK) !== 0) {
      header.writeUInt32BE(packet.acknowledgement, 4);
      header.writeUInt8(0x04, 13);
    } else {
      const size =
        packet.length - packet.payloadStart + ((flags & SYN) === 0 ? 0 : 1) + ((flags & FIN) === 0 ? 0 : 1);
      header.writeUInt32BE((packet.sequence + size) >>> 0, 8);
      header.writeUInt8(0x14, 13);
    }
    return header;
  });
}

/**
 * An ICMP error about a packet, to its sender (icmp.c, icmp_send), quoting it as it is now.
 *
 * @param info what stands behind the checksum: the largest packet (fragmentation needed), or an address (redirect)
 */
export function icmpError(packet: Packet, type: number, code: number, info: number, own: Own): Buffer | null {
  const tos = (packet.tos & TOS_MASK) | INTERNETWORK_CONTROL;
  return answer(packet, own, ICMP, tos, (room) => {
    const quoted = packet.bytes.subarray(0, room - 8);
    const message = Buffer.alloc(8 + quoted.length);
    message.writeUInt8(type, 0);
    message.writeUInt8(code, 1);
    message.writeUInt32BE(info, 4);
    quoted.copy(message, 8);
    return message;
  });
}

/** The reply to an echo request to the firewall (icmp.c, icmp_echo). */
export function echoReply(packet: Packet, identification: number): Buffer | null {
  return answer(packet, { source: packet.destination, identification }, ICMP, packet.tos, () => {
    const message = Buffer.from(packet.bytes.subarray(packet.headerLength));
    message.writeUInt8(ECHO_REPLY, 0);
    return message;
  });
}

import { ECHO_REPLY } from './icmp';
import { ACK, FIN, ICMP, IP_HEADER, SYN, TCP, TCP_HEADER, Packet, renewHeaderChecksum } from './packet';

const TTL = 64;
/** An ICMP error quotes as much as fits in here (icmp.c, icmp_send; RFC 1122 §3.2.2: no more than 576). */
const LONGEST_ERROR = 576;

/** An IPv4 header in front of `size` bytes of nothing. */
function ipPacket(
  protocol: number,
  source: number,
  destination: number,
  size: number,
  identification: number,
): Buffer {
  const bytes = Buffer.alloc(IP_HEADER + size);
  bytes.writeUInt8(0x45, 0);
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(identification, 4);
  bytes.writeUInt8(TTL, 8);
  bytes.writeUInt8(protocol, 9);
  bytes.writeUInt32BE(source, 12);
  bytes.writeUInt32BE(destination, 16);
  renewHeaderChecksum(bytes, 0, IP_HEADER);
  return bytes;
}

function withTransportChecksum(bytes: Buffer): Buffer {
  const packet = new Packet();
  if (packet.read(bytes) === null) packet.renewTransportChecksum();
  return bytes;
}

/**
 * The RST that answers a TCP packet nobody listens for (tcp_ipv4.c, tcp_v4_send_reset; RFC 9293 §3.10.7.1):
 * from the address the packet was sent to.
 *
 * @param packet with a whole TCP header, and not an RST itself
 */
export function tcpReset(packet: Packet, identification: number): Buffer {
  const bytes = ipPacket(TCP, packet.destination, packet.source, TCP_HEADER, identification);
  const { flags } = packet;
  bytes.writeUInt16BE(packet.destinationPort, IP_HEADER);
  bytes.writeUInt16BE(packet.sourcePort, IP_HEADER + 2);
  bytes.writeUInt8((TCP_HEADER / 4) << 4, IP_HEADER + 12);
  if ((flags & ACK) !== 0) {
    bytes.writeUInt32BE(packet.acknowledgement, IP_HEADER + 4);
    bytes.writeUInt8(0x04, IP_HEADER + 13);
  } else {
    const size =
      packet.length - packet.payloadStart + ((flags & SYN) === 0 ? 0 : 1) + ((flags & FIN) === 0 ? 0 : 1);
    bytes.writeUInt32BE((packet.sequence + size) >>> 0, IP_HEADER + 8);
    bytes.writeUInt8(0x14, IP_HEADER + 13);
  }
  return withTransportChecksum(bytes);
}

/** An ICMP error about a packet, to its sender (icmp.c, icmp_send), quoting it as it is now. */
export function icmpError(
  packet: Packet,
  type: number,
  code: number,
  source: number,
  identification: number,
): Buffer {
  const quoted = packet.bytes.subarray(0, LONGEST_ERROR - IP_HEADER - 8);
  const bytes = ipPacket(ICMP, source, packet.source, 8 + quoted.length, identification);
  bytes.writeUInt8(type, IP_HEADER);
  bytes.writeUInt8(code, IP_HEADER + 1);
  quoted.copy(bytes, IP_HEADER + 8);
  return withTransportChecksum(bytes);
}

/** The reply to an echo request to the firewall (icmp.c, icmp_echo). */
export function echoReply(packet: Packet, identification: number): Buffer {
  const message = packet.bytes.subarray(packet.headerLength);
  const bytes = ipPacket(ICMP, packet.destination, packet.source, message.length, identification);
  message.copy(bytes, IP_HEADER);
  bytes.writeUInt8(ECHO_REPLY, IP_HEADER);
  return withTransportChecksum(bytes);
}

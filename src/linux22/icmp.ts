import { adjusted } from './checksum';
import type { Entry } from './entry';
import type { Refusal } from './events';
import type { MasqueradeTable } from './masquerade-table';
import { ICMP, IP_HEADER, TCP, UDP, renewHeaderChecksum, type Packet } from './packet';
import { FIRST_PORT, LAST_PORT } from './masquerade-table';

export const ECHO_REPLY = 0;
export const UNREACHABLE = 3;
export const SOURCE_QUENCH = 4;
export const REDIRECT = 5;
export const ECHO = 8;
export const TIME_EXCEEDED = 11;
export const PARAMETER_PROBLEM = 12;
export const PROTOCOL_UNREACHABLE = 2;
export const PORT_UNREACHABLE = 3;
export const HOST_UNREACHABLE = 1;
export const FRAGMENTATION_NEEDED = 4;
export const REDIRECT_HOST = 1;

/** Requests, by the replies to them (ip_masq.c, icmp_type_request): echo, timestamp, information, address mask. */
const REQUEST_OF: Readonly<Record<number, number>> = { 0: 8, 14: 13, 16: 15, 18: 17 };
const REQUESTS = Object.values(REQUEST_OF);

/** Whether masquerading an ICMP message makes an entry. */
export function isRequest(type: number): boolean {
  return REQUESTS.includes(type);
}

/** Errors that masquerading translates; others it leaves to the rules. */
export function isTranslatedError(type: number): boolean {
  return type === UNREACHABLE || type === SOURCE_QUENCH || type === TIME_EXCEEDED;
}

/** What must never be answered by an ICMP error (RFC 1122 §3.2.2). */
export function isError(type: number): boolean {
  return isTranslatedError(type) || type === REDIRECT || type === PARAMETER_PROBLEM;
}

export function identifierOf(packet: Packet): number {
  return packet.bytes.readUInt16BE(packet.headerLength + 4);
}

export function setIdentifier(packet: Packet, identifier: number): void {
  const { bytes, headerLength: at } = packet;
  const before = identifierOf(packet);
  bytes.writeUInt16BE(identifier, at + 4);
  bytes.writeUInt16BE(adjusted(bytes.readUInt16BE(at + 2), before, identifier), at + 2);
}

/** What takes the remote port's place in an entry of ICMP: the request's type and code (ip_masq.c, icmp_hv_req). */
export function requestKey(type: number, code: number): number {
  return type * 256 + code;
}

/** The entry that a request which leaves belongs to, and that which a reply that comes belongs to. */
export function findRequest(packet: Packet, table: MasqueradeTable): Entry | null {
  const key = requestKey(packet.sourcePort, packet.destinationPort);
  return table.findOutbound(ICMP, packet.source, identifierOf(packet), packet.destination, key);
}

export function findReply(packet: Packet, table: MasqueradeTable): Entry | null {
  const request = REQUEST_OF[packet.sourcePort];
  if (request === undefined) return null;
  const key = requestKey(request, packet.destinationPort);
  return table.findInbound(ICMP, packet.source, key, packet.destination, identifierOf(packet));
}

/** The packet an ICMP error quotes: where its headers stand, and what they say. */
interface Quoted {
  readonly at: number;
  readonly headerLength: number;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** for ICMP: the identifier on the side that chose it, type and code on the other */
  readonly transport: number;
}

/** @returns null: of no protocol, or no part of a packet, that has an entry; or why the message is dropped at once */
function quotedBy(packet: Packet): Quoted | null | 'bad transport header' {
  const { bytes } = packet;
  const at = packet.headerLength + 8;
  if (bytes.length < at + IP_HEADER) return 'bad transport header';
  const headerLength = (bytes.readUInt8(at) & 0x0f) * 4;
  const transport = at + headerLength;
  if (headerLength < IP_HEADER || bytes.length < transport) return 'bad transport header';
  const protocol = bytes.readUInt8(at + 9);
  if (protocol !== ICMP && protocol !== TCP && protocol !== UDP) return null;
  if (bytes.length < transport + 8) return 'bad transport header';
  // A later fragment has no ports to find an entry by.
  if ((bytes.readUInt16BE(at + 6) & 0x1fff) !== 0) return null;
  return {
    at,
    headerLength,
    protocol,
    source: bytes.readUInt32BE(at + 12),
    destination: bytes.readUInt32BE(at + 16),
    transport,
  };
}

/**
 * Translates an ICMP error from the world about a packet that had been masqueraded (ip_masq.c,
 * ip_fw_demasq_icmp): outside, the quoted packet comes from the firewall; inside, from the host. Timers stay
 * as they are. Errors about forwarded ports are not translated: only ports that are handed out are looked at.
 *
 * @returns the entry; null: there is none, and nothing was changed; or why the message is dropped at once
 */
export function translateErrorIn(packet: Packet, table: MasqueradeTable): Entry | null | Refusal {
  const quoted = quotedBy(packet);
  if (quoted === null || typeof quoted === 'string') return quoted;
  const { bytes } = packet;
  const { at, transport, protocol, source, destination } = quoted;
  let entry: Entry | null = null;
  if (protocol === ICMP) {
    const key = requestKey(bytes.readUInt8(transport), bytes.readUInt8(transport + 1));
    entry = table.findInbound(ICMP, destination, key, source, bytes.readUInt16BE(transport + 4));
  } else {
    const port = bytes.readUInt16BE(transport);
    if (port < FIRST_PORT || port > LAST_PORT) return null;
    if (!packet.transportChecksumHolds()) return 'bad transport checksum';
    entry = table.findInbound(protocol, destination, bytes.readUInt16BE(transport + 2), source, port);
  }
  if (!entry) return null;
  packet.setDestination(entry.insideAddress);
  bytes.writeUInt32BE(entry.insideAddress, at + 12);
  bytes.writeUInt16BE(entry.insidePort, protocol === ICMP ? transport + 4 : transport);
  renewHeaderChecksum(bytes, at, quoted.headerLength);
  packet.renewTransportChecksum();
  return entry;
}

/**
 * Translates an ICMP error from the inside about a packet that had been demasqueraded (ip_masq.c,
 * ip_fw_masq_icmp).
 *
 * @returns the entry; null: there is none, and nothing was changed; or why the message is dropped at once
 */
export function translateErrorOut(packet: Packet, table: MasqueradeTable): Entry | null | Refusal {
  const quoted = quotedBy(packet);
  if (quoted === null || typeof quoted === 'string') return quoted;
  const { bytes } = packet;
  const { at, transport, protocol, source, destination } = quoted;
  let entry: Entry | null = null;
  if (protocol === ICMP) {
    const request = REQUEST_OF[bytes.readUInt8(transport)];
    if (request === undefined) return null;
    const key = requestKey(request, bytes.readUInt8(transport + 1));
    entry = table.findOutbound(ICMP, destination, bytes.readUInt16BE(transport + 4), source, key);
  } else {
    if (!packet.transportChecksumHolds()) return 'bad transport checksum';
    const [remotePort, insidePort] = [bytes.readUInt16BE(transport), bytes.readUInt16BE(transport + 2)];
    entry = table.findOutbound(protocol, destination, insidePort, source, remotePort);
  }
  if (!entry) return null;
  packet.setSource(entry.outsideAddress);
  bytes.writeUInt32BE(entry.outsideAddress, at + 16);
  bytes.writeUInt16BE(entry.outsidePort, protocol === ICMP ? transport + 4 : transport + 2);
  renewHeaderChecksum(bytes, at, quoted.headerLength);
  packet.renewTransportChecksum();
  return entry;
}

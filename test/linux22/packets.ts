// Packets for the firewall's tests, made and read here without the firewall's own code, so that a mistake there
// cannot hide itself.

export interface Ip {
  readonly source: string;
  readonly destination: string;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** in units of eight bytes */
  readonly offset?: number;
  readonly moreFragments?: boolean;
  /** whole 32-bit words */
  readonly options?: readonly number[];
}

export interface Tcp extends Ip {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** letters of SFRPA */
  readonly flags?: string;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly payload?: string | Buffer;
  /** whole 32-bit words */
  readonly tcpOptions?: readonly number[];
}

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32 };
const TCP = 6;
const UDP = 17;
const ICMP = 1;

export function addressNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

/** RFC 1071, the slow way: with end-around carry at each word. */
export function internetChecksum(...parts: readonly Buffer[]): number {
  const all = Buffer.concat(
    parts.map((part) => (part.length % 2 ? Buffer.concat([part, Buffer.alloc(1)]) : part)),
  );
  let sum = 0;
  for (let at = 0; at < all.length; at += 2) {
    sum += all.readUInt16BE(at);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

export function ip(protocol: number, fields: Ip, body: Buffer): Buffer {
  const options = Buffer.from(fields.options ?? []);
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt8(0x40 + header.length / 4, 0);
  header.writeUInt8(fields.tos ?? 0, 1);
  header.writeUInt16BE(header.length + body.length, 2);
  header.writeUInt16BE(fields.id ?? 7, 4);
  header.writeUInt16BE((fields.moreFragments ? 0x2000 : 0) + (fields.offset ?? 0), 6);
  header.writeUInt8(fields.ttl ?? 64, 8);
  header.writeUInt8(protocol, 9);
  header.writeUInt32BE(addressNumber(fields.source), 12);
  header.writeUInt32BE(addressNumber(fields.destination), 16);
  options.copy(header, 20);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, body]);
}

function pseudoHeader(protocol: number, { source, destination }: Ip, length: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(addressNumber(source), 0);
  bytes.writeUInt32BE(addressNumber(destination), 4);
  bytes.writeUInt8(protocol, 9);
  bytes.writeUInt16BE(length, 10);
  return bytes;
}

export function tcpSegment(fields: Tcp): Buffer {
  const options = Buffer.from(fields.tcpOptions ?? []);
  const payload = Buffer.from(fields.payload ?? '');
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt16BE(fields.sourcePort, 0);
  header.writeUInt16BE(fields.destinationPort, 2);
  header.writeUInt32BE((fields.sequence ?? 1000) >>> 0, 4);
  header.writeUInt32BE((fields.acknowledgement ?? 0) >>> 0, 8);
  header.writeUInt8((header.length / 4) << 4, 12);
  header.writeUInt8(
    Array.from(fields.flags ?? 'A').reduce((bits, letter) => bits | (FLAGS[letter] ?? 0), 0),
    13,
  );
  header.writeUInt16BE(8192, 14);
  options.copy(header, 20);
  const segment = Buffer.concat([header, payload]);
  segment.writeUInt16BE(internetChecksum(pseudoHeader(TCP, fields, segment.length), segment), 16);
  return segment;
}

export function tcp(fields: Tcp): Buffer {
  return ip(TCP, fields, tcpSegment(fields));
}

export interface Udp extends Ip {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload?: string;
  readonly noChecksum?: boolean;
}

export function udpDatagram(fields: Udp): Buffer {
  const payload = Buffer.from(fields.payload ?? 'hello');
  const datagram = Buffer.concat([Buffer.alloc(8), payload]);
  datagram.writeUInt16BE(fields.sourcePort, 0);
  datagram.writeUInt16BE(fields.destinationPort, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  if (!fields.noChecksum) {
    datagram.writeUInt16BE(internetChecksum(pseudoHeader(UDP, fields, datagram.length), datagram), 6);
  }
  return datagram;
}

export function udp(fields: Udp): Buffer {
  return ip(UDP, fields, udpDatagram(fields));
}

export interface Icmp extends Ip {
  readonly type: number;
  readonly code?: number;
  readonly identifier?: number;
  /** what stands behind the eight bytes of the header */
  readonly body?: Buffer;
}

export function icmp(fields: Icmp): Buffer {
  const message = Buffer.concat([Buffer.alloc(8), fields.body ?? Buffer.from('abcdefgh')]);
  message.writeUInt8(fields.type, 0);
  message.writeUInt8(fields.code ?? 0, 1);
  message.writeUInt16BE(fields.identifier ?? 0, 4);
  message.writeUInt16BE(internetChecksum(message), 2);
  return ip(ICMP, fields, message);
}

/** What a packet says, read anew from its bytes. */
export interface Decoded {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly tos: number;
  readonly offset: number;
  readonly body: Buffer;
  /** of TCP and UDP; -1 elsewhere */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** letters of FSRPAU in the order of their bits; '' without TCP */
  readonly flags: string;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly payload: string;
  /** ICMP's; -1 elsewhere */
  readonly type: number;
  readonly code: number;
  readonly identifier: number;
}

/** @throws an Error if a length or a checksum is wrong; later fragments have no checksum of their own */
export function decode(packet: Buffer): Decoded {
  const headerLength = (packet.readUInt8(0) & 15) * 4;
  const header = packet.subarray(0, headerLength);
  if (packet.readUInt16BE(2) !== packet.length) throw new Error('IP length is wrong');
  if (internetChecksum(header) !== 0) throw new Error('IP checksum is wrong');
  const body = packet.subarray(headerLength);
  const protocol = packet.readUInt8(9);
  const source = addressText(packet.readUInt32BE(12));
  const destination = addressText(packet.readUInt32BE(16));
  const offset = packet.readUInt16BE(6) & 0x1fff;
  const isFragment = (packet.readUInt16BE(6) & 0x3fff) !== 0;
  const pseudo =
    protocol === ICMP ? Buffer.alloc(0) : pseudoHeader(protocol, { source, destination }, body.length);
  const known = [TCP, UDP, ICMP].includes(protocol) && offset === 0;
  const unchecked = protocol === UDP && body.readUInt16BE(6) === 0;
  if (known && !isFragment && !unchecked && internetChecksum(pseudo, body) !== 0)
    throw new Error('transport checksum is wrong');
  const isTcp = known && protocol === TCP;
  const hasPorts = isTcp || (known && protocol === UDP);
  const isIcmp = known && protocol === ICMP;
  return {
    protocol,
    source,
    destination,
    offset,
    body,
    ttl: packet.readUInt8(8),
    tos: packet.readUInt8(1),
    sourcePort: hasPorts ? body.readUInt16BE(0) : -1,
    destinationPort: hasPorts ? body.readUInt16BE(2) : -1,
    flags: isTcp
      ? Object.entries(FLAGS)
          .filter(([, bit]) => (body.readUInt8(13) & bit) !== 0)
          .map(([letter]) => letter)
          .join('')
      : '',
    sequence: isTcp ? body.readUInt32BE(4) : 0,
    acknowledgement: isTcp ? body.readUInt32BE(8) : 0,
    payload: isTcp
      ? body.toString('latin1', (body.readUInt8(12) >> 4) * 4)
      : known
        ? body.toString('latin1', 8)
        : '',
    type: isIcmp ? body.readUInt8(0) : -1,
    code: isIcmp ? body.readUInt8(1) : -1,
    identifier: isIcmp ? body.readUInt16BE(4) : -1,
  };
}

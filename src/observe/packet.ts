/** What the lab reads of a packet's headers. */
export interface PacketHeaders {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'other';
  readonly source: string;
  readonly destination: string;
  /** 0 without ports; for ICMP the type */
  readonly sourcePort: number;
  /** 0 without ports; for ICMP the code */
  readonly destinationPort: number;
  readonly flags: string;
  readonly sequence: number;
  /** TCP's window as it stands in the header, unscaled */
  readonly window: number;
  /** of the IP header */
  readonly identification: number;
  /** bytes of payload on the wire, also when the capture cut them off */
  readonly length: number;
  readonly payload: Buffer;
}

const ETHERNET = 14;
const IPV4 = 0x0800;
const FLAGS = [
  [0x02, 'S'],
  [0x01, 'F'],
  [0x04, 'R'],
  [0x08, 'P'],
  [0x10, 'A'],
  [0x20, 'U'],
] as const;
const NOTHING = Buffer.alloc(0);

/** Decodes an Ethernet frame (RFC 791, RFC 9293); null for what is not IPv4 or is cut short. */
export function decodePacket(frame: Buffer): PacketHeaders | null {
  if (frame.length < ETHERNET + 20 || frame.readUInt16BE(12) !== IPV4) return null;
  const headerLength = ((frame[ETHERNET] ?? 0) & 0x0f) * 4;
  const totalLength = frame.readUInt16BE(ETHERNET + 2);
  const transport = ETHERNET + headerLength;
  if (headerLength < 20 || frame.length < transport + 8) return null;
  const address = (offset: number): string =>
    `${frame[offset] ?? 0}.${frame[offset + 1] ?? 0}.${frame[offset + 2] ?? 0}.${frame[offset + 3] ?? 0}`;
  const ip = {
    source: address(ETHERNET + 12),
    destination: address(ETHERNET + 16),
    identification: frame.readUInt16BE(ETHERNET + 4),
  };
  const number = frame[ETHERNET + 9];
  const size = totalLength - headerLength;
  if (number === 6 && frame.length >= transport + 20) return { ...ip, ...decodeTcp(frame, transport, size) };
  if (number === 17) {
    return {
      ...ip,
      ...NO_TCP,
      protocol: 'udp',
      sourcePort: frame.readUInt16BE(transport),
      destinationPort: frame.readUInt16BE(transport + 2),
      length: size - 8,
    };
  }
  if (number === 1) {
    return {
      ...ip,
      ...NO_TCP,
      protocol: 'icmp',
      sourcePort: frame[transport] ?? 0,
      destinationPort: frame[transport + 1] ?? 0,
      length: size,
    };
  }
  return { ...ip, ...NO_TCP, protocol: 'other', sourcePort: 0, destinationPort: 0, length: size };
}

const NO_TCP = { flags: '', sequence: 0, window: 0, payload: NOTHING } as const;

function decodeTcp(
  frame: Buffer,
  at: number,
  size: number,
): Omit<PacketHeaders, 'source' | 'destination' | 'identification'> {
  const headerLength = ((frame[at + 12] ?? 0) >> 4) * 4;
  const bits = frame[at + 13] ?? 0;
  const length = Math.max(0, size - headerLength);
  return {
    protocol: 'tcp',
    sourcePort: frame.readUInt16BE(at),
    destinationPort: frame.readUInt16BE(at + 2),
    sequence: frame.readUInt32BE(at + 4),
    window: frame.readUInt16BE(at + 14),
    flags: bits === 0x10 ? 'A' : FLAGS.map(([bit, letter]) => (bits & bit ? letter : '')).join(''),
    length,
    // The frame may be padded to 60 bytes, so the IP length decides where the payload ends.
    payload: length === 0 ? NOTHING : frame.subarray(at + headerLength, at + headerLength + length),
  };
}

/** A TCP segment that needs no event of its own. */
export interface BulkSegment {
  /** address and port as one number */
  readonly source: number;
  readonly destination: number;
  /** bytes of payload on the wire */
  readonly length: number;
}

/**
 * Recognises bulk data and bare acknowledgements (no SYN, FIN or RST; on the control connection also
 * no payload) without decoding them whole: a long transfer is made of hundreds of thousands.
 */
export function bulkSegment(frame: Buffer, controlPort: number): BulkSegment | null {
  // IPv4 without options, TCP: what a TCP stack of today sends.
  if (frame.length < ETHERNET + 40 || frame[12] !== 0x08 || frame[13] !== 0 || frame[ETHERNET] !== 0x45)
    return null;
  if (frame[ETHERNET + 9] !== 6 || ((frame[ETHERNET + 33] ?? 0) & 0x07) !== 0) return null;
  const length = frame.readUInt16BE(ETHERNET + 2) - 20 - ((frame[ETHERNET + 32] ?? 0) >> 4) * 4;
  const control =
    frame.readUInt16BE(ETHERNET + 20) === controlPort || frame.readUInt16BE(ETHERNET + 22) === controlPort;
  return control && length > 0 ? null : { ...flowKey(frame), length };
}

/** Both ends of a TCP segment over IPv4 without options, each as one number. */
export function flowKey(frame: Buffer): { source: number; destination: number } {
  return {
    source: frame.readUInt32BE(ETHERNET + 12) * 65_536 + frame.readUInt16BE(ETHERNET + 20),
    destination: frame.readUInt32BE(ETHERNET + 16) * 65_536 + frame.readUInt16BE(ETHERNET + 22),
  };
}

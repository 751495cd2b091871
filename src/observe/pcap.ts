/** One captured packet: `at` in epoch seconds, `data` from the link layer on, `length` on the wire. */
export interface CapturedPacket {
  readonly at: number;
  readonly length: number;
  readonly data: Buffer;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** libpcap's MAXIMUM_SNAPLEN; a record that claims more is a damaged file. */
const MAX_RECORD = 262_144;

/**
 * Reads a pcap file as it grows: bytes in, packets out, the incomplete rest kept.
 *
 * Format: draft-ietf-opsawg-pcap, microsecond magic a1b2c3d4 in the writer's byte order, Ethernet.
 *
 * @throws an Error when the bytes are no such file
 */
export class PcapReader {
  private rest: Buffer = Buffer.alloc(0);
  private started = false;
  private little = true;

  push(chunk: Buffer, onPacket: (packet: CapturedPacket) => void): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let offset = 0;
    if (!this.started) {
      if (bytes.length < FILE_HEADER) {
        this.rest = bytes;
        return;
      }
      this.readFileHeader(bytes);
      offset = FILE_HEADER;
    }
    while (bytes.length - offset >= RECORD_HEADER) {
      const captured = this.uint32(bytes, offset + 8);
      if (captured > MAX_RECORD) throw new Error(`damaged capture: a record of ${captured} bytes`);
      const end = offset + RECORD_HEADER + captured;
      if (bytes.length < end) break;
      onPacket({
        at: this.uint32(bytes, offset) + this.uint32(bytes, offset + 4) / 1e6,
        length: this.uint32(bytes, offset + 12),
        data: bytes.subarray(offset + RECORD_HEADER, end),
      });
      offset = end;
    }
    this.rest = bytes.subarray(offset);
  }

  private readFileHeader(bytes: Buffer): void {
    const magic = bytes.readUInt32LE(0);
    if (magic !== 0xa1b2c3d4 && magic !== 0xd4c3b2a1) throw new Error('not a microsecond pcap file');
    this.little = magic === 0xa1b2c3d4;
    const linkType = this.uint32(bytes, 20) & 0xffff;
    if (linkType !== 1) throw new Error(`link type ${linkType} instead of Ethernet`);
    this.started = true;
  }

  private uint32(bytes: Buffer, offset: number): number {
    return this.little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
  }
}

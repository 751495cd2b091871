/** A packet of a pcapng file, as the format's own document says it is written. */
export interface ReadPacket {
  readonly interface: string;
  /** microseconds since the epoch */
  readonly at: number;
  readonly length: number;
  readonly data: Buffer;
  readonly comment: string | null;
}

export interface ReadFile {
  readonly comment: string | null;
  readonly interfaces: readonly { readonly name: string; readonly description: string }[];
  readonly packets: readonly ReadPacket[];
  /** by interface: packets received and dropped */
  readonly statistics: Readonly<Record<string, { readonly received: number; readonly dropped: number }>>;
}

/**
 * Reads a little-endian pcapng file (draft-ietf-opsawg-pcapng), written apart from the lab's own writer.
 *
 * @throws an Error where lengths or types are not as the format wants them
 */
export function readPcapng(bytes: Buffer): ReadFile {
  let comment: string | null = null;
  const interfaces: { name: string; description: string }[] = [];
  const packets: ReadPacket[] = [];
  const statistics: Record<string, { received: number; dropped: number }> = {};
  const time = (body: Buffer): number => body.readUInt32LE(4) * 2 ** 32 + body.readUInt32LE(8);
  const nameOf = (body: Buffer): string => interfaces[body.readUInt32LE(0)]?.name ?? 'unknown';
  for (const { type, body } of blocks(bytes)) {
    if (type === 0x0a0d0d0a) {
      if (body.readUInt32LE(0) !== 0x1a2b3c4d || body.readUInt16LE(4) !== 1) throw new Error('not a section');
      comment = options(body.subarray(16)).get(1)?.toString('utf8') ?? null;
    } else if (type === 1) {
      const said = options(body.subarray(8));
      if (body.readUInt16LE(0) !== 1 || said.get(9)?.[0] !== 6)
        throw new Error('not Ethernet in microseconds');
      interfaces.push({
        name: said.get(2)?.toString('utf8') ?? '',
        description: said.get(3)?.toString('utf8') ?? '',
      });
    } else if (type === 6) {
      const captured = body.readUInt32LE(12);
      packets.push({
        interface: nameOf(body),
        at: time(body),
        length: body.readUInt32LE(16),
        data: body.subarray(20, 20 + captured),
        comment:
          options(body.subarray(20 + Math.ceil(captured / 4) * 4))
            .get(1)
            ?.toString('utf8') ?? null,
      });
    } else if (type === 5) {
      const said = options(body.subarray(12));
      const count = (code: number): number => Number(said.get(code)?.readBigUInt64LE(0));
      statistics[nameOf(body)] = { received: count(4), dropped: count(5) };
    } else throw new Error(`unknown block ${type}`);
  }
  return { comment, interfaces, packets, statistics };
}

function* blocks(bytes: Buffer): Generator<{ type: number; body: Buffer }> {
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes.readUInt32LE(offset + 4);
    if (length % 4 !== 0 || bytes.readUInt32LE(offset + length - 4) !== length) {
      throw new Error(`a block at ${offset} whose two lengths differ`);
    }
    yield { type: bytes.readUInt32LE(offset), body: bytes.subarray(offset + 8, offset + length - 4) };
    offset += length;
  }
}

function options(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let offset = 0; offset < bytes.length;) {
    const code = bytes.readUInt16LE(offset);
    const length = bytes.readUInt16LE(offset + 2);
    if (code === 0) return found;
    found.set(code, bytes.subarray(offset + 4, offset + 4 + length));
    offset += 4 + Math.ceil(length / 4) * 4;
  }
  if (bytes.length > 0) throw new Error('options without an end');
  return found;
}

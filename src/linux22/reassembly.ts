import { IP_HEADER, renewHeaderChecksum, type Packet } from './packet';

/** Seconds without a fragment until a packet is given up (ip_fragment.c, sysctl_ipfrag_time). */
const LIFETIME = 30;
/** Bytes of fragments that are held; above the first, packets are given up down to the second (sysctl_ipfrag_*_thresh). */
const MEMORY = { high: 256 * 1024, low: 192 * 1024 };
/** What a fragment costs besides its bytes: the socket buffer around it (net/sock.h, truesize). */
const OVERHEAD = 256;
const LARGEST = 65_535;

interface Piece {
  from: number;
  readonly to: number;
  bytes: Buffer;
}

/** One packet that is being put together. */
interface Incomplete {
  /** IP header of the first fragment, or of the first that came */
  header: Buffer;
  /** bytes behind the header; null until the last fragment has come */
  length: number | null;
  /** in order, none over another */
  pieces: Piece[];
  memory: number;
  until: number;
}

/** Puts fragments together (ip_fragment.c, ip_defrag). Times in seconds, given from outside. */
export class Reassembly {
  /** in the order of their latest fragment */
  readonly #packets = new Map<string, Incomplete>();
  #memory = 0;

  /**
   * Takes a fragment.
   *
   * @param packet is not kept; what is needed of it is copied
   * @returns the whole packet once this is its last missing part, without marks of a fragment; null: more is to come,
   *   or it was given up
   */
  add(packet: Packet, now: number): Buffer | null {
    this.#forget(now);
    if (this.#memory > MEMORY.high) this.#evict();
    const key = `${packet.source} ${packet.destination} ${packet.protocol} ${packet.identification}`;
    const incomplete: Incomplete = this.#packets.get(key) ?? {
      header: Buffer.alloc(0),
      length: null,
      pieces: [],
      memory: 0,
      until: 0,
    };
    const from = packet.fragmentOffset * 8;
    if (from === 0 || incomplete.header.length === 0)
      incomplete.header = Buffer.from(packet.bytes.subarray(0, packet.headerLength));
    const to = from + packet.transportLength;
    // Whoever is later is older in the map.
    this.#packets.delete(key);
    this.#packets.set(key, incomplete);
    incomplete.until = now + LIFETIME;
    if (packet.length + from > LARGEST || to === from) return null;
    if (!packet.moreFragments) incomplete.length = to;
    this.#insert(incomplete, { from, to, bytes: Buffer.from(packet.bytes.subarray(packet.headerLength)) });
    const whole = glue(incomplete);
    if (whole) this.#drop(key, incomplete);
    return whole;
  }

  /** What is there in front wins, and the new one what is behind it. */
  #insert(incomplete: Incomplete, piece: Piece): void {
    const before = incomplete.pieces.filter((one) => one.from < piece.from);
    const reach = before.at(-1)?.to ?? 0;
    if (reach > piece.from) {
      piece.bytes = piece.bytes.subarray(reach - piece.from);
      piece.from = reach;
    }
    if (piece.from >= piece.to) return;
    const behind = incomplete.pieces
      .filter((one) => one.from >= piece.from && one.to > piece.to)
      .map((one) =>
        one.from >= piece.to
          ? one
          : { ...one, from: piece.to, bytes: one.bytes.subarray(piece.to - one.from) },
      );
    incomplete.pieces = [...before, piece, ...behind];
    const memory = incomplete.pieces.reduce((sum, { bytes }) => sum + bytes.length + OVERHEAD, 0);
    this.#memory += memory - incomplete.memory;
    incomplete.memory = memory;
  }

  #drop(key: string, incomplete: Incomplete): void {
    this.#packets.delete(key);
    this.#memory -= incomplete.memory;
  }

  #forget(now: number): void {
    for (const [key, incomplete] of this.#packets) {
      if (incomplete.until > now) return;
      this.#drop(key, incomplete);
    }
  }

  /** ip_fragment.c, ip_evictor. */
  #evict(): void {
    for (const [key, incomplete] of this.#packets) {
      if (this.#memory <= MEMORY.low) return;
      this.#drop(key, incomplete);
    }
  }
}

/** The packet, when no part of it is missing (ip_fragment.c, ip_done and ip_glue). */
function glue({ header, length, pieces }: Incomplete): Buffer | null {
  if (length === null) return null;
  let reached = 0;
  for (const { from, to } of pieces) {
    if (from > reached) return null;
    reached = to;
  }
  if (reached < length || header.length < IP_HEADER || header.length + length > LARGEST) return null;
  const bytes = Buffer.concat([header, ...pieces.map((piece) => piece.bytes)]).subarray(
    0,
    header.length + length,
  );
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(0, 6);
  renewHeaderChecksum(bytes, 0, header.length);
  return bytes;
}

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
/** A fragment of a fragment keeps the place of the whole (RFC 791 §3.2). */
const OFFSET = 0x1fff;
const COPIED = 0x80;

/** Whether a packet must not be taken apart. */
export function mustNotFragment(bytes: Buffer): boolean {
  return (bytes.readUInt16BE(6) & DONT_FRAGMENT) !== 0;
}

/**
 * Takes a packet apart for a link (ip_output.c, ip_fragment). Options that are not to be in all fragments
 * are blanked in the later ones (ip_options.c, ip_options_fragment; RFC 791 §3.1).
 *
 * @param mtu bytes of the largest packet the link takes, 68 or more
 */
export function fragment(bytes: Buffer, mtu: number): Buffer[] {
  if (bytes.length <= mtu) return [bytes];
  const headerLength = (bytes.readUInt8(0) & 0x0f) * 4;
  const room = (mtu - headerLength) & ~7;
  const marks = bytes.readUInt16BE(6);
  const fragments: Buffer[] = [];
  for (let at = headerLength; at < bytes.length; at += room) {
    const part = bytes.subarray(at, at + room);
    const made = Buffer.concat([bytes.subarray(0, headerLength), part]);
    if (at > headerLength) blankUncopied(made, headerLength);
    const more = at + room < bytes.length ? MORE_FRAGMENTS : marks & MORE_FRAGMENTS;
    made.writeUInt16BE(made.length, 2);
    made.writeUInt16BE((((marks & OFFSET) + (at - headerLength) / 8) & OFFSET) | more, 6);
    renewHeaderChecksum(made, 0, headerLength);
    fragments.push(made);
  }
  return fragments;
}

function blankUncopied(bytes: Buffer, headerLength: number): void {
  for (let at = IP_HEADER; at < headerLength;) {
    const kind = bytes.readUInt8(at);
    if (kind === 0) return;
    const length = kind === 1 || at + 1 >= headerLength ? 1 : Math.max(1, bytes.readUInt8(at + 1));
    if (kind !== 1 && (kind & COPIED) === 0) bytes.fill(1, at, Math.min(headerLength, at + length));
    at += length;
  }
}

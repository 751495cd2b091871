import type { CapturedPacket } from '../observe/pcap';

// Blocks of the pcapng format, draft-ietf-opsawg-pcapng. All are little-endian, padded to 32 bits, and
// carry their length at both ends.

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const INTERFACE_STATISTICS = 5;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const ETHERNET = 1;
/** The length of the section is not told: it ends with the file. */
const UNKNOWN_LENGTH = 0xffff_ffff_ffff_ffffn;

const OPTION = {
  end: 0,
  comment: 1,
  application: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  timeResolution: 9,
  received: 4,
  dropped: 5,
} as const;

/** An option's value has a length of 16 bits. */
const MAX_OPTION = 60_000;
const NO_OPTIONS = Buffer.alloc(0);

/** What begins a file: who wrote it, and what it is about. */
export function sectionHeader(application: string, comment: string): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  fixed.writeUInt16LE(1, 4);
  fixed.writeUInt16LE(0, 6);
  fixed.writeBigUInt64LE(UNKNOWN_LENGTH, 8);
  const options = [textOption(OPTION.comment, comment), textOption(OPTION.application, application)];
  return block(SECTION_HEADER, [fixed], options);
}

/**
 * An Ethernet interface, with times in microseconds. Interfaces are numbered from 0, in the order of
 * their descriptions.
 *
 * @param snapLength bytes kept of each packet; libpcap reads no file whose interfaces differ in it
 */
export function interfaceDescription(name: string, description: string, snapLength: number): Buffer {
  const fixed = Buffer.alloc(8);
  fixed.writeUInt16LE(ETHERNET, 0);
  fixed.writeUInt32LE(snapLength, 4);
  return block(
    INTERFACE_DESCRIPTION,
    [fixed],
    [
      textOption(OPTION.interfaceName, name),
      textOption(OPTION.interfaceDescription, description),
      option(OPTION.timeResolution, Buffer.from([6])),
    ],
  );
}

/** A packet as it was captured on an interface. */
export function enhancedPacket(
  interfaceNumber: number,
  { at, length, data }: CapturedPacket,
  comment: string | null,
): Buffer {
  const fixed = Buffer.alloc(20);
  fixed.writeUInt32LE(interfaceNumber, 0);
  writeTime(fixed, at, 4);
  fixed.writeUInt32LE(data.length, 12);
  fixed.writeUInt32LE(length, 16);
  const options = comment === null ? [] : [textOption(OPTION.comment, comment)];
  return block(ENHANCED_PACKET, [fixed, data], options);
}

/** How many packets an interface counted until a time, and how many of them the file does not hold. */
export function interfaceStatistics(
  interfaceNumber: number,
  at: number,
  counts: { received: number; dropped: number },
): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt32LE(interfaceNumber, 0);
  writeTime(fixed, at, 4);
  return block(
    INTERFACE_STATISTICS,
    [fixed],
    [countOption(OPTION.received, counts.received), countOption(OPTION.dropped, counts.dropped)],
  );
}

/** @param at epoch seconds; a double holds today's to a quarter of a microsecond */
function writeTime(into: Buffer, at: number, offset: number): void {
  const microseconds = Math.round(at * 1e6);
  into.writeUInt32LE(Math.floor(microseconds / 2 ** 32), offset);
  into.writeUInt32LE(microseconds % 2 ** 32, offset + 4);
}

function block(type: number, body: readonly Buffer[], options: readonly Buffer[]): Buffer {
  const ending = options.length === 0 ? [] : [option(OPTION.end, NO_OPTIONS)];
  const parts = [...body, ...options, ...ending];
  const length = 12 + parts.reduce((sum, part) => sum + padded(part.length), 0);
  const whole = Buffer.alloc(length);
  whole.writeUInt32LE(type, 0);
  whole.writeUInt32LE(length, 4);
  let offset = 8;
  for (const part of parts) {
    part.copy(whole, offset);
    offset += padded(part.length);
  }
  whole.writeUInt32LE(length, offset);
  return whole;
}

function option(code: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

/** UTF-8, and not ended by a NUL. */
function textOption(code: number, text: string): Buffer {
  // Cut by characters: a byte too few would end in half of one.
  return option(code, Buffer.from(text.slice(0, MAX_OPTION / 3), 'utf8'));
}

function countOption(code: number, count: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt(count), 0);
  return option(code, value);
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

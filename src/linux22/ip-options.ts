import { IP_HEADER } from './packet';

const END = 0;
const NO_OPERATION = 1;
const RECORD_ROUTE = 7;
const TIMESTAMP = 68;
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;

export type OptionFault = 'malformed IP options' | 'source route';

/**
 * What is wrong with the options of an IP header (RFC 791 §3.1; ip_options.c, ip_options_compile). Source
 * routes are refused, as with accept_source_route off: they would lead round the rules.
 */
export function optionFault(bytes: Buffer, headerLength: number): OptionFault | null {
  for (let at = IP_HEADER; at < headerLength;) {
    const kind = bytes.readUInt8(at);
    if (kind === END) return null;
    if (kind === NO_OPERATION) {
      at += 1;
      continue;
    }
    const length = at + 1 < headerLength ? bytes.readUInt8(at + 1) : 0;
    if (length < 2 || at + length > headerLength) return 'malformed IP options';
    if (kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE) return 'source route';
    at += length;
  }
  return null;
}

/**
 * The options of an answer to a packet (ip_options.c, ip_options_echo): a recorded route goes on, with this host in it
 * on the way in and on the way out; a timestamp option comes back as it was. There are no source routes: they are
 * refused before.
 *
 * @returns a multiple of four bytes; null: the recorded route has no room for a whole address, so nothing is answered
 */
export function echoedOptions(bytes: Buffer, headerLength: number, own: number): Buffer | null {
  const kept: Buffer[] = [];
  for (let at = IP_HEADER; at < headerLength;) {
    const kind = bytes.readUInt8(at);
    if (kind === END) break;
    const length = kind === NO_OPERATION ? 1 : bytes.readUInt8(at + 1);
    if (kind === RECORD_ROUTE || kind === TIMESTAMP) {
      const option = Buffer.from(bytes.subarray(at, at + length));
      if (kind === RECORD_ROUTE && !recordTwice(option, own)) return null;
      kept.push(option);
    }
    at += length;
  }
  const options = Buffer.concat(kept);
  return Buffer.concat([options, Buffer.alloc(-options.length & 3)]);
}

/** Writes an address into a recorded route as on the way in (ip_options_compile) and out (ip_options_build). */
function recordTwice(option: Buffer, address: number): boolean {
  for (let pass = 0; pass < 2; pass += 1) {
    const pointer = option.length > 2 ? option.readUInt8(2) : 0;
    // The pointer counts from 1; the smallest is 4 (RFC 791 §3.1).
    if (pointer < 4 || pointer > option.length) return true;
    if (pointer + 3 > option.length) return false;
    option.writeUInt32BE(address, pointer - 1);
    option.writeUInt8(pointer + 4, 2);
  }
  return true;
}

/**
 * Blanks the options in which routers wrote their addresses, so that masquerading hides these too. The
 * kernel leaves them. The header's checksum has to be renewed if this says that something changed.
 */
export function blankRecordedAddresses(bytes: Buffer, headerLength: number): boolean {
  let changed = false;
  for (let at = IP_HEADER; at < headerLength;) {
    const kind = bytes.readUInt8(at);
    if (kind === END) break;
    const length = kind === NO_OPERATION ? 1 : bytes.readUInt8(at + 1);
    if (kind === RECORD_ROUTE || kind === TIMESTAMP) {
      bytes.fill(NO_OPERATION, at, at + length);
      changed = true;
    }
    at += length;
  }
  return changed;
}

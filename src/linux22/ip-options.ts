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

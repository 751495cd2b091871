/** The Internet checksum (RFC 1071), and its update when a word changes (RFC 1624). */

/** The one's complement sum of bytes `from` to `to`, not folded; an odd last byte counts as its word's high one. */
export function sumOf(bytes: Buffer, from: number, to: number): number {
  let sum = 0;
  const even = to - ((to - from) & 1);
  for (let at = from; at < even; at += 2) sum += bytes.readUInt16BE(at);
  if (even < to) sum += bytes.readUInt8(even) << 8;
  return sum;
}

/** Folds a sum to 16 bits and turns it into the checksum; 0 means that a sum with a checksum in it is right. */
export function finish(sum: number): number {
  // Up to 65,535 bytes add up to less than 2^31, so that shifts are safe.
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/**
 * The checksum after one of the words it covers changed (RFC 1624, equation 3).
 *
 * @param checksum as it stands in the header
 */
export function adjusted(checksum: number, before: number, after: number): number {
  return finish((~checksum & 0xffff) + (~before & 0xffff) + after);
}

/** The checksum after two words changed that make up a 32-bit number. */
export function adjustedLong(checksum: number, before: number, after: number): number {
  return finish(
    (~checksum & 0xffff) +
      ((~before >>> 16) & 0xffff) +
      (~before & 0xffff) +
      (after >>> 16) +
      (after & 0xffff),
  );
}

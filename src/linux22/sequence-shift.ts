import type { Entry, Resize } from './entry';
import { ACK, FIN, RST, SYN, type Packet } from './packet';

/** Whether sequence number `one` comes after `other`, modulo 2³² (RFC 9293 §3.4). */
export function isAfter(one: number, other: number): boolean {
  return ((one - other) | 0) > 0;
}

/**
 * Packets with changed lengths that are remembered. The kernel remembers two, which is enough for a client that
 * waits for replies; with more, a late duplicate of something older finds its place, too.
 */
const REMEMBERED = 16;

/** Shifts the sequence number of a packet that leaves (ip_masq_app.c, masq_fix_seq). */
export function shiftSequence(entry: Entry, packet: Packet): void {
  if (entry.resizes.length === 0) return;
  const { sequence } = packet;
  const shift = shiftAt(entry.resizes, ({ at }) => isAfter(sequence, at));
  if (shift !== 0) packet.setSequence((sequence + shift) >>> 0);
}

/**
 * Shifts an acknowledgement that comes back (ip_masq_app.c, masq_fix_ack_seq).
 *
 * It counts as the world does, so that it is compared with the resized packet's number in the world. (The
 * kernel compares it with the inside's, which goes wrong once a session's PORT commands have shrunk by more
 * than a line's length together; ip_vs_app.c, made from it, has that mended.)
 */
export function shiftAcknowledgement(entry: Entry, packet: Packet): void {
  if (entry.resizes.length === 0 || (packet.flags & ACK) === 0) return;
  const { acknowledgement } = packet;
  const shift = shiftAt(entry.resizes, ({ at, before }) => isAfter(acknowledgement, (at + before) >>> 0));
  if (shift !== 0) packet.setAcknowledgement((acknowledgement - shift) >>> 0);
}

/** The shift after the latest of the changes that a number comes after. */
function shiftAt(resizes: readonly Resize[], isBehind: (resize: Resize) => boolean): number {
  return resizes.findLast(isBehind)?.after ?? resizes[0]?.before ?? 0;
}

/**
 * Remembers that a packet's length was changed (ip_masq_app.c, masq_seq_update); one that comes again
 * changes nothing.
 *
 * @param sequence of the packet, as the inside counts
 */
export function noteResized(entry: Entry, sequence: number, difference: number): void {
  const { resizes } = entry;
  const latest = resizes.at(-1);
  if (latest && !isAfter(sequence, latest.at)) return;
  const before = latest?.after ?? 0;
  resizes.push({ at: sequence, before, after: before + difference });
  if (resizes.length > REMEMBERED) resizes.shift();
}

/**
 * Whether a packet of a control connection comes before what precedes it, as the inside counts.
 *
 * Were it let through and the missing packet changed in length, the stream would be torn: that happened with
 * the kernel. Dropped, it is sent again, after the missing one.
 */
export function isAheadOfGap(entry: Entry, packet: Packet, payload: number): boolean {
  const { flags, sequence } = packet;
  if ((flags & RST) !== 0) return false;
  const size = payload + ((flags & SYN) === 0 ? 0 : 1) + ((flags & FIN) === 0 ? 0 : 1);
  if (size === 0) return false;
  const next = (flags & SYN) === 0 ? entry.nextSequence : null;
  if (next !== null && isAfter(sequence, next)) return true;
  const end = (sequence + size) >>> 0;
  if (next === null || isAfter(end, next)) entry.nextSequence = end;
  return false;
}

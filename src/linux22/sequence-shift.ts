import type { Entry, Resize } from './entry';
import type { KernelProfile } from './kernels';
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
 * Shifts an acknowledgement that comes back (ip_masq_app.c, masq_fix_ack_seq): by the whole shift, or by the one
 * before the latest resized packet.
 *
 * An acknowledgement counts as the world does, and neither kernel compares it with what it should, the packet's
 * number in the world. 2.2.14 takes the inside's number: once PORT lines have shrunk by more than a line's length
 * together, the client never sees the last of them acknowledged whole. 2.2.19 adds the shift to it: that is mended,
 * but where a shrinking line was lost, what came before it is acknowledged as if it had arrived.
 */
export function shiftAcknowledgement(
  entry: Entry,
  packet: Packet,
  rule: KernelProfile['acknowledges'],
): void {
  const latest = entry.resizes.at(-1);
  if (!latest || (packet.flags & ACK) === 0) return;
  const { acknowledgement } = packet;
  const from = rule === 'from the packet' ? latest.at : (latest.at + latest.after) >>> 0;
  const shift = isAfter(acknowledgement, from) ? latest.after : latest.before;
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

import type { FlowEvent, Leg, PacketEvent } from '../../observe/event';
import type { Connections } from './connections';
import { FIREWALL, type Wire } from './lanes';
import type { LaneName } from './types';

/** A packet, or the bulk of one direction, on its way through the firewall. */
export interface Journey<Seen extends PacketEvent | FlowEvent> {
  readonly from: LaneName;
  /** where it was first seen */
  readonly near: Seen;
  readonly nearTo: LaneName;
  /** the same on the other leg; null when it was not seen there, or had no business there */
  readonly far: Seen | null;
  /** whether it went from the firewall itself, or between two hosts of one leg */
  readonly local: boolean;
}

/** Both captures are stamped by one clock; a forwarded packet follows at once, or after a queue. */
const CLOCK_SLACK = 0.002;
const LONGEST_STAY = 2;
/** A helper that rewrites addresses shifts sequence numbers by a few bytes a time. */
const MOST_SHIFT = 8192;
/** Unmatched packets of one connection that are tried before giving up. */
const MOST_TRIES = 64;

export function otherLeg(leg: Leg): Leg {
  return leg === 'inside' ? 'outside' : 'inside';
}

/**
 * Pairs the packets of one leg with those of the other. Translation changes addresses and ports, and a
 * helper lengths and sequence numbers: a packet is told by its sequence number and flags, else by its
 * connection.
 */
export function packetJourneys(
  packets: readonly PacketEvent[],
  wire: Wire,
  connections: Connections,
): Journey<PacketEvent>[] {
  const placed = packets.flatMap((packet) => place(packet, wire));
  const arriving = placed.filter(({ to, leg }) => to === FIREWALL[leg]);
  const leaving = placed.filter(({ from, leg }) => from === FIREWALL[leg]);
  const local = placed.filter(({ from, to, leg }) => from !== FIREWALL[leg] && to !== FIREWALL[leg]);
  const pairs = new Map<PacketEvent, PacketEvent>();
  const left = pairUp(arriving, leaving, pairs, ({ packet }) => identity(packet));
  for (const [near, far] of pairs) connections.join(near, far);
  const unpaired = arriving.filter(({ packet }) => !pairs.has(packet));
  const alone = pairUp(
    unpaired,
    left,
    pairs,
    ({ packet }) => `${connections.rootOf(packet)} ${packet.flags} ${firstWord(packet)}`,
    (near, far) => near.protocol === 'tcp' && isNear(near.sequence, far.sequence),
  );
  for (const [near, far] of pairs) connections.join(near, far);
  return [
    ...arriving.map(({ packet, from, to }) => ({
      ...{ from, near: packet, nearTo: to, far: pairs.get(packet) ?? null, local: false },
    })),
    ...[...alone, ...local].map(({ packet, from, to }) => ({
      ...{ from, near: packet, nearTo: to, far: null, local: true },
    })),
  ];
}

/** Bulk has one flow a leg and direction: pairs those of one connection. */
export function flowJourneys(
  flows: readonly FlowEvent[],
  wire: Wire,
  connections: Connections,
): Journey<FlowEvent>[] {
  const placed = flows.flatMap((flow) => place(flow, wire));
  const leaving = new Map(
    placed
      .filter(({ from, leg }) => from === FIREWALL[leg])
      .map(({ packet, leg }) => [`${leg} ${connections.rootOf(packet)}`, packet]),
  );
  return placed
    .filter(({ to, leg }) => to === FIREWALL[leg])
    .map(({ packet, from, to, leg }) => ({
      from,
      near: packet,
      nearTo: to,
      far: leaving.get(`${otherLeg(leg)} ${connections.rootOf(packet)}`) ?? null,
      local: false,
    }));
}

interface Placed<Seen> {
  readonly packet: Seen;
  readonly leg: Leg;
  readonly from: LaneName;
  readonly to: LaneName;
}

/** Nothing for what is of no host on that leg: a broadcast, or noise. */
function place<Seen extends PacketEvent | FlowEvent>(packet: Seen, wire: Wire): Placed<Seen>[] {
  const { leg } = packet;
  const from = wire.laneOf(packet.source, leg);
  const to = wire.laneOf(packet.destination, leg);
  return from === to ? [] : [{ packet, leg, from, to }];
}

/** A helper rewrites numbers, never the command or the reply's code. */
function firstWord({ payload }: PacketEvent): string {
  return payload.slice(0, 4).trim().toUpperCase();
}

function identity(packet: PacketEvent): string {
  const { protocol, flags, sequence, length, sourcePort, destinationPort } = packet;
  if (protocol === 'tcp') return `${flags} ${sequence}`;
  // An ICMP "port" is its type or code; UDP keeps at least one port across translation, but not which.
  return protocol === 'icmp'
    ? `icmp ${sourcePort} ${destinationPort}`
    : `${protocol} ${length} ${Math.min(sourcePort, destinationPort)}`;
}

/** Finds for each leaving packet the nearest arriving one it can be; returns those that have none. */
function pairUp(
  arriving: readonly Placed<PacketEvent>[],
  leaving: readonly Placed<PacketEvent>[],
  pairs: Map<PacketEvent, PacketEvent>,
  keyOf: (placed: Placed<PacketEvent>) => string,
  fits: (near: PacketEvent, far: PacketEvent) => boolean = () => true,
): Placed<PacketEvent>[] {
  const waiting = new Map<string, PacketEvent[]>();
  for (const one of arriving) {
    const key = `${one.leg} ${keyOf(one)}`;
    const list = waiting.get(key);
    if (list) list.push(one.packet);
    else waiting.set(key, [one.packet]);
  }
  return leaving.filter((one) => {
    const list = waiting.get(`${otherLeg(one.leg)} ${keyOf(one)}`) ?? [];
    const found = nearestTo(list, one.packet, fits);
    if (found < 0) return true;
    const [near] = list.splice(found, 1);
    if (near) pairs.set(near, one.packet);
    return false;
  });
}

function nearestTo(
  list: readonly PacketEvent[],
  far: PacketEvent,
  fits: (near: PacketEvent, far: PacketEvent) => boolean,
): number {
  let [begin, end] = [0, list.length];
  while (begin < end) {
    const middle = (begin + end) >> 1;
    if ((list[middle]?.at ?? 0) > far.at + CLOCK_SLACK) end = middle;
    else begin = middle + 1;
  }
  let [best, least] = [-1, LONGEST_STAY];
  for (let index = end - 1; index >= Math.max(0, end - MOST_TRIES); index -= 1) {
    const near = list[index];
    const apart = near ? Math.abs(far.at - near.at) : Infinity;
    if (near && apart < least && fits(near, far)) [best, least] = [index, apart];
  }
  return best;
}

/** Sequence numbers go round (RFC 9293 section 3.4). */
function isNear(a: number, b: number): boolean {
  const apart = (a - b) >>> 0;
  return Math.min(apart, 2 ** 32 - apart) <= MOST_SHIFT;
}

import type { FlowEvent, PacketEvent } from '../../observe/event';
import { sizeText } from '../../scenario/quantities';
import type { Connections } from './connections';
import { otherLeg, type Journey } from './journeys';
import { plain } from './label';
import { FIREWALL, type Wire } from './lanes';
import type { ArrowRow, Channel, Hop, Stop } from './types';

/** Bytes that went in packets with an event of their own, a FIN's say, belong to the bulk too. */
function whole(flow: FlowEvent, others: readonly PacketEvent[]): FlowEvent {
  const mine = others.filter(
    (packet) =>
      packet.leg === flow.leg &&
      packet.length > 0 &&
      packet.source === flow.source &&
      packet.sourcePort === flow.sourcePort &&
      packet.destination === flow.destination &&
      packet.destinationPort === flow.destinationPort,
  );
  const bytes = flow.bytes + mine.reduce((sum, packet) => sum + packet.length, 0);
  const until = Math.max(flow.until, ...mine.map(({ at }) => at));
  return { ...flow, bytes, until, packets: flow.packets + mine.length };
}

/** One thick arrow for the bulk of each direction of a connection. */
export function flowRow(
  journey: Journey<FlowEvent>,
  context: {
    readonly wire: Wire;
    readonly connections: Connections;
    readonly channel: (flow: FlowEvent) => Channel;
    readonly stop: Stop;
    /** packets with an event of their own */
    readonly others: readonly PacketEvent[];
  },
): ArrowRow {
  const { from, nearTo } = journey;
  const near = whole(journey.near, context.others);
  const far = journey.far ? whole(journey.far, context.others) : null;
  const leg = otherLeg(near.leg);
  const same = far?.bytes === near.bytes;
  const hops: Hop[] = [{ leg: near.leg, from, to: nearTo, label: plain(amount(near)), ends: null }];
  if (far) {
    const to = context.wire.laneOf(far.destination, leg);
    hops.push({ leg, from: FIREWALL[leg], to, label: same ? [] : plain(amount(far)), ends: null });
  }
  const until = Math.max(near.until, far?.until ?? 0);
  return {
    kind: 'arrow',
    at: near.at,
    until,
    channel: context.channel(near),
    hops,
    stop: far ? null : context.stop,
    reset: false,
    bytes: near.bytes,
    role: 'bulk',
    connection: context.connections.numberOf(near),
    again: [],
    title: [near, ...(far ? [far] : [])]
      .map(
        (flow) =>
          `${flow.leg} ${flow.source}:${flow.sourcePort} → ${flow.destination}:${flow.destinationPort}, ${flow.bytes} bytes in ${flow.packets} packets from ${flow.at.toFixed(3)} to ${flow.until.toFixed(3)} s`,
      )
      .join('; '),
  };
}

function amount({ bytes, packets, at, until }: FlowEvent): string {
  return `${sizeText(bytes)} in ${packets} ${packets === 1 ? 'packet' : 'packets'}, ${(until - at).toFixed(3)} s`;
}

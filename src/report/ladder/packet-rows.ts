import type { PacketEvent } from '../../observe/event';
import type { Connections } from './connections';
import { type Dialogue, isArrangement, isFinal, isReadable, linesOf } from './dialogue';
import { otherLeg, type Journey } from './journeys';
import { compareLines, labelText, payloadText, plain, textOf } from './label';
import { FIREWALL, type Wire } from './lanes';
import type { StopReason } from './stops';
import type { ArrowRow, Channel, Hop, Piece } from './types';

/** What the rows of packets are made with. */
export interface PacketContext {
  readonly wire: Wire;
  readonly connections: Connections;
  readonly channel: (packet: PacketEvent) => Channel;
  readonly dialogue: Dialogue;
  readonly stop: StopReason;
}

/**
 * An arrow a packet, in order of time. What TCP sends again is one arrow that says when; unless it fared
 * otherwise, which is told apart.
 */
export function packetRows(journeys: readonly Journey<PacketEvent>[], context: PacketContext): ArrowRow[] {
  const groups = new Map<string, Journey<PacketEvent>[]>();
  const refusals = refusalsOf(journeys);
  for (const journey of [...journeys].sort((a, b) => a.near.at - b.near.at)) {
    const { near, far, from } = journey;
    const { protocol, flags, sequence, length, sourcePort } = near;
    const same = protocol === 'tcp' ? sequence : sourcePort;
    const key = `${context.connections.rootOf(near)} ${from} ${near.leg} ${protocol} ${flags} ${same} ${length} ${far ? 'on' : isRefused(near, refusals) ? 'refused' : 'end'}`;
    const group = groups.get(key);
    if (group) group.push(journey);
    else groups.set(key, [journey]);
  }
  const seen = new Set<string>();
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [packetRow(first, group, context, { seen, refusals })] : [];
  });
}

/** When the firewall itself sent a RST, by the ends it was for. Seconds since the run began. */
type Refusals = ReadonlyMap<string, readonly number[]>;

/** An answer of the firewall's own stack follows at once. Seconds. */
const ANSWER_TIME = 0.01;

function refusalsOf(journeys: readonly Journey<PacketEvent>[]): Refusals {
  const refusals = new Map<string, number[]>();
  for (const { near, local, from } of journeys) {
    if (!local || from !== FIREWALL[near.leg] || !near.flags.includes('R')) continue;
    const { source, destination } = endsOf(near);
    const key = `${near.leg} ${destination} ${source}`;
    const times = refusals.get(key);
    if (times) times.push(near.at);
    else refusals.set(key, [near.at]);
  }
  return refusals;
}

function isRefused(packet: PacketEvent, refusals: Refusals): boolean {
  const { source, destination } = endsOf(packet);
  const times = refusals.get(`${packet.leg} ${source} ${destination}`) ?? [];
  return times.some((at) => at >= packet.at && at - packet.at <= ANSWER_TIME);
}

function packetRow(
  journey: Journey<PacketEvent>,
  group: readonly Journey<PacketEvent>[],
  context: PacketContext,
  known: { readonly seen: Set<string>; readonly refusals: Refusals },
): ArrowRow {
  const { near, far, from, local } = journey;
  const stop =
    far || local
      ? null
      : context.stop(
          group.map((one) => one.near),
          near.leg,
          isRefused(near, known.refusals),
        );
  const told = tellers(journey, context);
  const own = from === FIREWALL[near.leg] ? ' (the firewall’s own)' : '';
  const [before, after] = [`${describe(near)}${own}`, describe(far ?? near)];
  const reset = near.flags.includes('R');
  const number = context.connections.numberOf(near);
  const isNews = isNewsOf(journey, number, known.seen) || stop !== null || (reset && isTranslated(near, far));
  const hops = hopsOf(journey, { before, after: far ? after : before, showEnds: isNews }, context.wire);
  const again = group.slice(1).map((one) => one.near.at);
  return {
    kind: 'arrow',
    at: near.at,
    until: null,
    channel: context.channel(near),
    hops: withRepeats(hops, again),
    stop,
    reset,
    bytes: null,
    role: roleOf(near, before),
    connection: number,
    again,
    // Of thousands of packets, few are drawn.
    get title() {
      return titleOf(journey, before, { after, told, why: stop?.why ?? null, again });
    },
  };
}

/** Whether a packet shows addresses not seen before: a connection's first, and under translation its first reply. */
function isNewsOf({ near, far, from }: Journey<PacketEvent>, number: number, seen: Set<string>): boolean {
  const [connection, direction] = [`${number}`, `${number} ${from}`];
  const isNew = !seen.has(connection) || (isTranslated(near, far) && !seen.has(direction));
  seen.add(connection).add(direction);
  return isNew || near.protocol === 'icmp';
}

function hopsOf(
  { near, far, from, nearTo }: Journey<PacketEvent>,
  texts: { before: string; after: string; showEnds: boolean },
  wire: Wire,
): Hop[] {
  const { before, after, showEnds } = texts;
  const compared = before === after ? null : compareLines(before, after);
  const label = compared?.before ?? plain(labelText(before));
  const first: Hop = { leg: near.leg, from, to: nearTo, label, ends: showEnds ? endsOf(near) : null };
  if (!far) return [first];
  const leg = otherLeg(near.leg);
  return [
    first,
    {
      ...{ leg, from: FIREWALL[leg], to: wire.laneOf(far.destination, leg) },
      label: compared?.after ?? (isArrangement(before) ? plain(labelText(after)) : []),
      ends: showEnds && isTranslated(near, far) ? endsOf(far) : null,
    },
  ];
}

function withRepeats(hops: readonly Hop[], again: readonly number[]): readonly Hop[] {
  const last = again.at(-1);
  if (last === undefined) return hops;
  const repeats = plain(` ×${again.length + 1}, last at\u00a0${last.toFixed(3)}\u00a0s`);
  return hops.map((hop, index) => (index === 0 ? { ...hop, label: [...hop.label, ...repeats] } : hop));
}

/** Takes the lines a packet carries from what its two ends told; returns who told them. */
function tellers({ near, far, from, local }: Journey<PacketEvent>, context: PacketContext): string[] {
  if (context.channel(near) !== 'control' || near.payload === '') return [];
  const to = far ? context.wire.laneOf(far.destination, far.leg) : null;
  const ends = [...(local ? [] : [[from, near] as const]), ...(far && to ? [[to, far] as const] : [])];
  return ends.filter(([lane, packet]) => takeLines(packet, lane, context.dialogue)).map(([lane]) => lane);
}

function takeLines(packet: PacketEvent, lane: string, dialogue: Dialogue): boolean {
  const lines = linesOf(payloadText(packet.payload));
  const cut = packet.length > packet.payload.length;
  const taken = lines.map((line, index) =>
    cut && index === lines.length - 1
      ? dialogue.takeBeginning(lane, line.replace(/\ufffd+$/, ''))
      : dialogue.take(lane, line),
  );
  return taken.some((line) => line !== undefined);
}

const ICMP_WORDS: Readonly<Record<string, string>> = {
  '3/0': 'network unreachable',
  '3/1': 'host unreachable',
  '3/3': 'port unreachable',
  '3/9': 'network prohibited',
  '3/10': 'host prohibited',
  '3/13': 'prohibited by a filter',
  '11/0': 'time exceeded',
};

/** A packet in words: its dialogue, or its flags. */
function describe(packet: PacketEvent): string {
  const { protocol, flags, length, payload, sourcePort: type, destinationPort: code } = packet;
  if (protocol === 'icmp') return `ICMP ${ICMP_WORDS[`${type}/${code}`] ?? `type ${type} code ${code}`}`;
  if (protocol !== 'tcp') {
    const dns =
      protocol === 'udp' ? (code === 53 ? 'DNS query' : type === 53 ? 'DNS answer' : 'UDP') : protocol;
    return `${dns}, ${length} bytes`;
  }
  if (payload !== '' && isReadable(payload)) return dialogueText(payload);
  const words = flagWords(flags);
  if (length === 0) return words === '' ? 'ACK' : words;
  const bytes = payload === '' ? `${length} bytes` : `${length} bytes, not readable`;
  return words === '' ? bytes : `${words}, ${bytes}`;
}

function dialogueText(payload: string): string {
  const lines = linesOf(payloadText(payload));
  const more = lines.length - 1;
  return `${lines[0] ?? ''}${more > 0 ? ` (and ${more} more ${more === 1 ? 'line' : 'lines'})` : ''}`;
}

function flagWords(flags: string): string {
  if (flags.includes('S')) return flags.includes('A') ? 'SYN/ACK' : 'SYN';
  return flags.includes('R') ? 'RST' : flags.includes('F') ? 'FIN' : '';
}

function roleOf({ flags, protocol }: PacketEvent, text: string): ArrowRow['role'] {
  if (protocol !== 'tcp') return 'plain';
  if (flags.includes('S')) return 'open';
  if (isArrangement(text)) return 'arrangement';
  if (isFinal(text)) return 'final';
  return /[FR]/.test(flags) ? 'close' : 'plain';
}

function endsOf(packet: PacketEvent): { source: string; destination: string } {
  const { source, sourcePort, destination, destinationPort, protocol } = packet;
  return protocol === 'icmp'
    ? { source, destination }
    : { source: `${source}:${sourcePort}`, destination: `${destination}:${destinationPort}` };
}

function isTranslated(near: PacketEvent, far: PacketEvent | null): boolean {
  if (!far) return false;
  const [a, b] = [endsOf(near), endsOf(far)];
  return a.source !== b.source || a.destination !== b.destination;
}

function titleOf(
  { from, near, far, local }: Journey<PacketEvent>,
  before: string,
  more: { after: string; told: readonly string[]; why: string | null; again: readonly number[] },
): string {
  const ways = [near, ...(far ? [far] : [])].map((packet) => {
    const { source, destination } = endsOf(packet);
    return `${packet.leg} ${source} → ${destination}`;
  });
  const label: readonly Piece[] = plain(labelText(before));
  return [
    `${near.at.toFixed(3)} s, ${from === FIREWALL[near.leg] ? 'the firewall itself' : from}: ${textOf(label)}`,
    ...(more.after === before ? [] : [`after the firewall: ${labelText(more.after)}`]),
    ...ways,
    ...(local || far || more.why === null ? [] : [more.why]),
    ...(more.told.length === 0 ? [] : [`told by the ${more.told.join(' and the ')} too`]),
    ...(more.again.length === 0 ? [] : [`again at ${times(more.again)}`]),
  ].join('; ');
}

function times(again: readonly number[]): string {
  const shown = again.slice(0, 8).map((at) => `${at.toFixed(3)} s`);
  return again.length > shown.length ? `${shown.join(', ')} …` : shown.join(', ');
}

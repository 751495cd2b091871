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
  for (const journey of [...journeys].sort((a, b) => a.near.at - b.near.at)) {
    const { near, far, from } = journey;
    const { protocol, flags, sequence, length, sourcePort } = near;
    const same = protocol === 'tcp' ? sequence : sourcePort;
    const key = `${context.connections.rootOf(near)} ${from} ${near.leg} ${protocol} ${flags} ${same} ${length} ${far ? 'on' : 'end'}`;
    const group = groups.get(key);
    if (group) group.push(journey);
    else groups.set(key, [journey]);
  }
  const seen = new Set<string>();
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [packetRow(first, group, context, seen)] : [];
  });
}

function packetRow(
  journey: Journey<PacketEvent>,
  group: readonly Journey<PacketEvent>[],
  context: PacketContext,
  seen: Set<string>,
): ArrowRow {
  const { near, far, from, nearTo, local } = journey;
  const stop =
    far || local
      ? null
      : context.stop(
          group.map((one) => one.near),
          near.leg,
        );
  const told = tellers(journey, context);
  const own = from === FIREWALL[near.leg] ? ' (the firewall’s own)' : '';
  const [before, after] = [`${describe(near)}${own}`, describe(far ?? near)];
  const changed = far !== null && before !== after;
  const arrangement = isArrangement(before);
  const reset = near.flags.includes('R');
  const number = context.connections.numberOf(near);
  // Addresses are drawn when they are news, and where something ended.
  const direction = `${number} ${from}`;
  const showEnds = stop !== null || reset || !seen.has(direction) || near.protocol === 'icmp';
  seen.add(direction);
  const compared = changed ? compareLines(before, after) : null;
  const firstLabel = compared?.before ?? plain(labelText(before));
  const secondLabel = compared?.after ?? (arrangement ? plain(labelText(after)) : []);
  const hops: Hop[] = [
    { leg: near.leg, from, to: nearTo, label: firstLabel, ends: showEnds ? endsOf(near) : null },
  ];
  if (far) {
    const leg = otherLeg(near.leg);
    const to = context.wire.laneOf(far.destination, leg);
    const translated = isTranslated(near, far);
    hops.push({
      leg,
      from: FIREWALL[leg],
      to,
      label: secondLabel,
      ends: showEnds && translated ? endsOf(far) : null,
    });
  }
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
    title: titleOf(journey, before, { after, told, why: stop?.why ?? null, again }),
  };
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

/** A packet in words: its dialogue, or its flags. From a peer, not yet harmless. */
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

function isTranslated(near: PacketEvent, far: PacketEvent): boolean {
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

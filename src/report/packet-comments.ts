import type { LabEvent, Leg, PacketEvent, RuleEvent } from '../observe/event';
import { announcedBy, isSyn, otherLeg } from '../verdict/facts';
import { cut } from './escape';
import { saidLine, type ReportRun } from './for-report';

/**
 * What is to be said of the packets that matter, by the id of their event: those that arrange a data
 * connection or open one, those that did not come through, and those that causes, expectations and
 * claims rest on. Lines are parted by newlines, and printable. Pure.
 */
export function packetComments(run: ReportRun): ReadonlyMap<string, string> {
  const packets = run.events.filter((event) => event.kind === 'packet');
  const crossing = new Crossing(run, packets);
  const evidence = evidenceLines(run, packets);
  const stoppers = stoppingRules(run);
  const comments = new Map<string, string>();
  for (const packet of packets) {
    const said = [
      ...arrangement(packet),
      ...dataConnection(run, packet, crossing),
      ...fate(packet, crossing, stoppers.get(packet.id) ?? []),
      ...(evidence.get(packet.id) ?? []),
    ];
    if (said.length > 0) comments.set(packet.id, [`event ${packet.id}`, ...said].join('\n'));
  }
  return comments;
}

/** "PORT names 10.0.0.10, port 43899" */
function arrangement({ payload }: PacketEvent): string[] {
  const named = announcedBy(payload);
  if (!named) return [];
  const word = /^\w+/.exec(payload)?.[0] ?? '';
  return [`${word} names ${named.address === null ? '' : `${named.address}, `}port ${named.port}`];
}

/** "SYN of the data connection of “download”, dialled by the server" */
function dataConnection(run: ReportRun, packet: PacketEvent, crossing: Crossing): string[] {
  if (!isSyn(packet)) return [];
  const twin = crossing.twin(packet);
  const transfer = run.transfers.find(({ data }) =>
    [packet, twin].some(
      (one) => one && data?.sourcePort === one.sourcePort && data.destinationPort === one.destinationPort,
    ),
  );
  if (!transfer?.data) return [];
  const translated =
    twin && ends(twin) !== ends(packet) ? [`on the ${twin.leg} leg it is ${ends(twin)}`] : [];
  return [
    `SYN of the data connection of “${transfer.name}”, dialled by the ${transfer.data.dialledBy}`,
    ...translated,
  ];
}

/** "not seen inside: stopped by row 3, “deny …”" */
function fate(packet: PacketEvent, crossing: Crossing, rules: readonly RuleEvent[]): string[] {
  if (!crossing.stoppedAtFirewall(packet)) return [];
  const names = rules.map(({ row, rule }) => (row === 'policy' ? `the ${rule}` : `row ${row}, “${rule}”`));
  const by = names.length === 0 ? '' : `: stopped by ${names.join(' or ')}`;
  return [`not seen ${otherLeg(packet.leg)}${by}`];
}

/** Rules that stop packets, by the packet whose fate they explain: both are named by the same cause. */
function stoppingRules(run: ReportRun): ReadonlyMap<string, readonly RuleEvent[]> {
  const byId = new Map(run.events.map((event) => [event.id, event]));
  const rules = new Map<string, readonly RuleEvent[]>();
  for (const { events } of run.diagnosis) {
    const named = events.flatMap((id) => byId.get(id) ?? []);
    const stopping = named.filter((event) => event.kind === 'rule').filter(({ stops }) => stops);
    for (const event of named) if (event.kind === 'packet') rules.set(event.id, stopping);
  }
  return rules;
}

/** What rests on a packet, by the packet's id. */
function evidenceLines(run: ReportRun, packets: readonly PacketEvent[]): ReadonlyMap<string, string[]> {
  const lines = new Map<string, string[]>();
  const behind = packetsBehind(run.events, packets);
  const note = (events: readonly string[], line: string): void => {
    for (const id of new Set(events.flatMap(behind))) lines.set(id, [...(lines.get(id) ?? []), line]);
  };
  for (const { code, transfer, events } of run.diagnosis) {
    note(events, `evidence of the cause ${code} (“${transfer}”)`);
  }
  for (const { text, held, events } of run.expectations) {
    note(events, `“${cut(text)}” rests on it, and ${held ? 'held' : 'did not hold'}`);
  }
  for (const { id, verdict, events } of run.claims) note(events, `the FAQ's ${id}, ${verdict}, rests on it`);
  return lines;
}

/**
 * Finds the packets an event was seen by: itself, or for a line of the dialogue those that carried it,
 * one on each leg.
 */
function packetsBehind(
  events: readonly LabEvent[],
  packets: readonly PacketEvent[],
): (id: string) => string[] {
  const byId = new Map(events.map((event) => [event.id, event]));
  const carriers = new Map<string, PacketEvent[]>();
  for (const packet of packets) {
    for (const line of packet.payload === '' ? [] : packet.payload.split('\r\n').map(saidLine)) {
      const known = carriers.get(line);
      if (known) known.push(packet);
      else carriers.set(line, [packet]);
    }
  }
  return (id) => {
    const event = byId.get(id);
    if (event?.kind === 'packet') return [id];
    if (event?.kind !== 'ftp-line') return [];
    const away = (packet: PacketEvent): number => Math.abs(packet.at - event.at);
    return (['inside', 'outside'] as const).flatMap((leg) => {
      const onLeg = (carriers.get(event.line) ?? []).filter((packet) => packet.leg === leg);
      const nearest = onLeg.sort((a, b) => away(a) - away(b))[0];
      return nearest ? [nearest.id] : [];
    });
  };
}

/** Knows which packets of one leg were seen on the other. Translation leaves TCP's sequence numbers of SYNs. */
class Crossing {
  private readonly seen: Readonly<Record<Leg, ReadonlyMap<string, PacketEvent>>>;
  private readonly complete: boolean;

  constructor(run: ReportRun, packets: readonly PacketEvent[]) {
    const on = (leg: Leg): ReadonlyMap<string, PacketEvent> =>
      new Map(
        packets.filter((packet) => packet.leg === leg).map((packet) => [Crossing.mark(packet), packet]),
      );
    this.seen = { inside: on('inside'), outside: on('outside') };
    this.complete = run.captures.length === 2 && run.captures.every(({ lost }) => lost === 0);
  }

  /** The same packet on the other leg. */
  twin(packet: PacketEvent): PacketEvent | undefined {
    return this.seen[otherLeg(packet.leg)].get(Crossing.mark(packet));
  }

  /** Whether a handshake's packet was seen on this leg only, and both captures are complete. */
  stoppedAtFirewall(packet: PacketEvent): boolean {
    const handshake = packet.flags === 'S' || packet.flags === 'SA';
    return this.complete && handshake && this.twin(packet) === undefined;
  }

  private static mark({ protocol, flags, sequence, length }: PacketEvent): string {
    return `${protocol} ${flags} ${sequence} ${length}`;
  }
}

function ends({ source, sourcePort, destination, destinationPort }: PacketEvent): string {
  return `${source}:${sourcePort} → ${destination}:${destinationPort}`;
}

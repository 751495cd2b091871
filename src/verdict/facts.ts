import type { LoadedRule } from '../firewall/effect';
import { portsOf } from '../agent/port-ranges';
import type {
  ConntrackEvent,
  DataEvent,
  FileEvent,
  LabEvent,
  Leg,
  LineEvent,
  NameEvent,
  Observation,
  PacketEvent,
  ProbeEvent,
  RuleEvent,
  StepEvent,
  TraceEvent,
} from '../observe/event';
import { entryLives, type EntryLife } from './entry-lives';
import type { Plan, PlannedProbe, PlannedTransfer } from '../plan/plan';

/** What a PORT, EPRT, 227 or 229 names. */
export interface Announced {
  readonly address: string | null;
  readonly port: number;
}

/** A rule, and what a failed transfer added to its counter. */
export interface CountedRule {
  readonly event: RuleEvent;
  readonly packets: number;
  /** the kernel's word that it was this rule which stopped a certain packet; left out where it has none */
  readonly trace?: TraceEvent;
}

/** All that was seen of one transfer, sorted out. */
export interface TransferFacts {
  readonly transfer: PlannedTransfer;
  readonly begin: StepEvent | undefined;
  readonly end: StepEvent | undefined;
  /** the last PORT, EPRT, PASV or EPSV before the request, as the client sent it */
  readonly arranging: LineEvent | undefined;
  /** events from this step's begin to the next one's */
  readonly events: readonly LabEvent[];
  /** the client's PORT/EPRT, or the reply to its PASV/EPSV, as the client saw it */
  readonly arrangement: LineEvent | undefined;
  /** the server's reply to PORT/EPRT, as the client saw it */
  readonly portReply: LineEvent | undefined;
  /** what the client found out about the server's name, when it was given one */
  readonly resolved: NameEvent | undefined;
  /** RETR, STOR or LIST as the client sent it */
  readonly request: LineEvent | undefined;
  readonly finalReply: LineEvent | undefined;
  /** SYNs of data connections, by leg */
  readonly syns: Readonly<Record<Leg, readonly PacketEvent[]>>;
  readonly sent: FileEvent | undefined;
  readonly received: FileEvent | undefined;
  readonly clientData: readonly DataEvent[];
  readonly serverData: readonly DataEvent[];
  /** rules that counted packets between the sample before this transfer and the one after it failed */
  readonly counted: readonly CountedRule[];
  /** the close of the data connection, at each end; it may come after the step's end */
  readonly clientClosed: DataEvent | undefined;
  readonly serverClosed: DataEvent | undefined;
}

/** What became of a probe's packets from one source port. */
export interface ProbedFrom {
  readonly sourcePort: number;
  /** as its sender told; what each leg showed. Destination ports. */
  readonly sent: ReadonlySet<number>;
  readonly near: ReadonlySet<number>;
  readonly far: ReadonlySet<number>;
  readonly events: readonly LabEvent[];
}

export interface ProbeFacts {
  readonly probe: PlannedProbe;
  readonly from: readonly ProbedFrom[];
}

/** All that was seen of a run, sorted out. Pure. */
export interface Facts {
  readonly plan: Plan;
  readonly observation: Observation;
  readonly transfers: readonly TransferFacts[];
  readonly probes: readonly ProbeFacts[];
  /** every rule's counter at the end */
  readonly rules: readonly RuleEvent[];
  /** what the owner's rules do, by their row, in their order */
  readonly loaded: ReadonlyMap<number, LoadedRule>;
  /** the way of captured packets through the rules, by the packet's event */
  readonly traces: ReadonlyMap<string, TraceEvent>;
  readonly conntrack: readonly ConntrackEvent[];
  /** the life of each entry that belongs to the session, in the order they were made */
  readonly lives: readonly EntryLife[];
  /** packets of the control connection, by leg */
  readonly controlPackets: Readonly<Record<Leg, readonly PacketEvent[]>>;
  /** whether a packet that is not in a capture was not there */
  readonly complete: Readonly<Record<Leg, boolean>>;
  /** the leg an end is on */
  readonly legOf: Readonly<Record<'client' | 'server', Leg>>;
}

export function otherLeg(leg: Leg): Leg {
  return leg === 'inside' ? 'outside' : 'inside';
}

/** Sorts a run's events by what they say about which transfer. */
export function sortOut(plan: Plan, observation: Observation): Facts {
  const { events } = observation;
  const kind = <K extends LabEvent['kind']>(wanted: K) =>
    events.filter((event): event is Extract<LabEvent, { kind: K }> => event.kind === wanted);
  const packets = kind('packet');
  const { port } = plan.server;
  const control = packets.filter((packet) => isControl(packet, port));
  const byLeg = (list: readonly PacketEvent[]) => ({
    inside: list.filter((packet) => packet.leg === 'inside'),
    outside: list.filter((packet) => packet.leg === 'outside'),
  });
  const transfers = plan.transfers.map((transfer) => transferFacts(plan, events, transfer));
  const dataPorts = new Set(
    transfers.flatMap(({ syns }) => [...syns.inside, ...syns.outside]).map((syn) => syn.destinationPort),
  );
  const isComplete = (leg: Leg): boolean =>
    observation.captures.some((capture) => capture.leg === leg && capture.lost === 0);
  return {
    plan,
    observation,
    transfers,
    probes: plan.probes.map((probe) => probeFacts(probe, kind('probe'))),
    rules: lastSample(kind('rule')),
    loaded: new Map(observation.loaded.rules.map((rule) => [rule.row, rule])),
    traces: new Map(
      kind('trace').flatMap((trace) => (trace.captured === null ? [] : [[trace.captured, trace]])),
    ),
    conntrack: kind('conntrack'),
    lives: entryLives(plan, events, dataPorts, isComplete('inside') && isComplete('outside')),
    controlPackets: byLeg(control),
    complete: { inside: isComplete('inside'), outside: isComplete('outside') },
    legOf:
      plan.scenario.behind === 'client'
        ? { client: 'inside', server: 'outside' }
        : { client: 'outside', server: 'inside' },
  };
}

/** Whether a packet asks for a connection: SYN and not yet ACK. */
export function isSyn({ flags }: PacketEvent): boolean {
  return flags.includes('S') && !flags.includes('A');
}

function isControl(packet: PacketEvent, port: number): boolean {
  return packet.sourcePort === port || packet.destinationPort === port;
}

function transferFacts(plan: Plan, events: readonly LabEvent[], transfer: PlannedTransfer): TransferFacts {
  const steps = events.filter((event) => event.kind === 'step');
  const begin = steps.find((step) => step.transfer === transfer.name && step.phase === 'begin');
  const end = steps.find((step) => step.transfer === transfer.name && step.phase === 'end');
  const next = steps.find((step) => step.phase === 'begin' && step.at > (begin?.at ?? 0));
  const from = begin?.at ?? Number.POSITIVE_INFINITY;
  const until = next?.at ?? Number.POSITIVE_INFINITY;
  const mine = events.filter((event) => event.at >= from && event.at < until);
  const lines = mine.filter((event) => event.kind === 'ftp-line').filter((line) => line.vantage === 'client');
  const data = mine.filter((event) => event.kind === 'data');
  // A file's name is its transfer's own; a listing has none.
  const files = (transfer.file ? events : mine)
    .filter((event) => event.kind === 'file')
    .filter(({ file }) => !transfer.file || file === transfer.file.name);
  const requesting = lines.findIndex(
    (line) => line.direction === 'command' && /^(?:RETR|STOR|LIST|NLST|MLSD)\b/i.test(line.line),
  );
  // A client that chooses by itself may send PASV after an EPSV that came to nothing; what counts is the last.
  const arranging = lines.findLastIndex(
    (line, index) =>
      line.direction === 'command' &&
      (requesting < 0 || index < requesting) &&
      /^(?:PORT|EPRT|PASV|EPSV)\b/i.test(line.line),
  );
  const answer =
    arranging < 0 ? undefined : lines.slice(arranging + 1).find((line) => line.direction === 'reply');
  const active = transfer.mode === 'active';
  // Without PORT nothing is said: the port is that of the control connection.
  const arrangement = active ? lines[arranging] : answer;
  const syns = dataSyns(plan, mine, transfer, arrangement);
  return {
    transfer,
    begin,
    end,
    arranging: lines[arranging],
    events: mine,
    arrangement,
    portReply: active ? answer : undefined,
    resolved: lastName(events, until),
    request: lines[requesting],
    finalReply: requesting < 0 ? undefined : finalReply(lines.slice(requesting + 1)),
    syns: {
      inside: syns.filter((packet) => packet.leg === 'inside'),
      outside: syns.filter((packet) => packet.leg === 'outside'),
    },
    sent: files.find((file) => file.role === 'sent'),
    received: files.find((file) => file.role === 'received'),
    clientData: data.filter((event) => event.vantage === 'client'),
    serverData: data.filter((event) => event.vantage === 'server'),
    counted: countedRules(events, mine),
    clientClosed: closeOf(events, data, 'client'),
    serverClosed: closeOf(events, data, 'server'),
  };
}

/** The reply that ends a transfer, among what the client said and heard after its request. A NOOP has its own. */
function finalReply(lines: readonly LineEvent[]): LineEvent | undefined {
  let noops = 0;
  for (const event of lines) {
    if (event.direction === 'command') noops += event.line === 'NOOP' ? 1 : 0;
    else if (noops > 0 && event.line.startsWith('200')) noops -= 1;
    else if (/^[2-5]\d\d(?: |$)/.test(event.line)) return event;
  }
  return undefined;
}

/** What the client last heard of the server's name before a transfer was over. */
function lastName(events: readonly LabEvent[], until: number): NameEvent | undefined {
  return events
    .filter((event) => event.kind === 'name')
    .findLast(({ vantage, at }) => vantage === 'client' && at < until);
}

function probeFacts(probe: PlannedProbe, seen: readonly ProbeEvent[]): ProbeFacts {
  const near: Leg = probe.from === 'neighbour' ? 'inside' : 'outside';
  const from = probe.sourcePorts.map((sourcePort): ProbedFrom => {
    const events = seen.filter((event) => event.probe === probe.name && event.sourcePort === sourcePort);
    const at = (leg: Leg | null): ReadonlySet<number> =>
      new Set(events.filter((event) => event.leg === leg).flatMap(({ ports }) => ports.flatMap(portsOf)));
    return { sourcePort, sent: at(null), near: at(near), far: at(otherLeg(near)), events };
  });
  return { probe, from };
}

/** What tells rules apart: rows by their number, policies by their chain, which their text has. */
export function ruleKey({ row, rule }: Pick<RuleEvent, 'row' | 'rule'>): number | string {
  return row === 'policy' ? rule : row;
}

/** Each rule's latest counter. */
function lastSample(rules: readonly RuleEvent[]): RuleEvent[] {
  return [...new Map(rules.map((event) => [ruleKey(event), event])).values()];
}

function countedRules(events: readonly LabEvent[], mine: readonly LabEvent[]): CountedRule[] {
  const samples = (list: readonly LabEvent[]): RuleEvent[] => list.filter((event) => event.kind === 'rule');
  const sampled = samples(mine);
  const from = mine.at(0)?.at ?? 0;
  const before = lastSample(samples(events).filter((event) => event.at < from));
  // The first sample after the transfer: of several, a later one may hold another transfer's packets.
  const after = lastSample(sampled.slice(0, new Set(sampled.map(ruleKey)).size));
  return after.flatMap((event) => {
    const earlier = before.find((rule) => ruleKey(rule) === ruleKey(event))?.packets ?? 0;
    const packets = event.packets - earlier;
    return packets > 0 ? [{ event, packets }] : [];
  });
}

/** The close of the connection that one end opened during a transfer, by its two endpoints. */
function closeOf(
  events: readonly LabEvent[],
  data: readonly DataEvent[],
  end: 'client' | 'server',
): DataEvent | undefined {
  const opened = data.find((event) => event.vantage === end && event.change === 'connected');
  if (!opened) return undefined;
  return events
    .filter((event) => event.kind === 'data')
    .find(
      ({ vantage, change, local, remote }) =>
        change === 'closed' && vantage === end && local === opened.local && remote === opened.remote,
    );
}

/**
 * The SYNs of a transfer's data connection: to a port that was announced, on either leg. Time alone
 * would not do: a server still dials for an earlier transfer when its client has long gone on.
 */
function dataSyns(
  plan: Plan,
  mine: readonly LabEvent[],
  transfer: PlannedTransfer,
  arrangement: LineEvent | undefined,
): PacketEvent[] {
  const packets = mine.filter((event) => event.kind === 'packet');
  const control = packets.filter((packet) => isControl(packet, plan.server.port));
  const said = control.map(({ payload }) => payload);
  const ports = new Set([arrangement?.line ?? '', ...said].flatMap((text) => announcedBy(text)?.port ?? []));
  if (transfer.command === 'none') {
    // RFC 959 §3.2: the default data port is the port the control connection comes from, on each leg.
    for (const { destinationPort, sourcePort } of control) {
      if (destinationPort === plan.server.port) ports.add(sourcePort);
    }
  }
  return packets.filter((packet) => isSyn(packet) && ports.has(packet.destinationPort));
}

/**
 * Reads what a line says about the data connection: PORT and 227 (RFC 959 §4.1.2), EPRT and 229
 * (RFC 2428). 229 names no address.
 */
export function announcedBy(line: string): Announced | null {
  const six = /^(?:PORT |227 .*?\(?)(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)/i.exec(line);
  if (six) {
    const [a = 0, b = 0, c = 0, d = 0, high = 0, low = 0] = six.slice(1).map(Number);
    if ([a, b, c, d, high, low].some((part) => part > 255)) return null;
    return { address: `${a}.${b}.${c}.${d}`, port: high * 256 + low };
  }
  const eprt = /^EPRT \|1\|([\d.]+)\|(\d+)\|/i.exec(line);
  if (eprt) return { address: eprt[1] ?? null, port: Number(eprt[2]) };
  const epsv = /^229 .*\(\|\|\|(\d+)\|\)/.exec(line);
  return epsv ? { address: null, port: Number(epsv[1]) } : null;
}

/** The packets in which a PORT or EPRT of this transfer crossed a leg. */
export function portPackets(facts: Facts, of: TransferFacts, leg: Leg): readonly PacketEvent[] {
  const mine = new Set(of.events);
  return facts.controlPackets[leg].filter(
    (packet) => mine.has(packet) && /^(?:PORT|EPRT) /i.test(packet.payload),
  );
}

/** Whether an address belongs to the inside network. */
export function isInside(plan: Plan, address: string | null): boolean {
  const network = plan.firewall.addresses.inside.replace(/\.\d+$/, '.');
  return address?.startsWith(network) ?? false;
}

/** The command that arranges a transfer's data connection: where the client chooses, what it sent. */
export function commandOf({ transfer: { command }, arranging }: TransferFacts): string {
  return command === 'own' ? (arranging?.line ?? 'EPSV or PASV') : command;
}

/** Bytes that arrived and bytes that should have; a list's are what the server wrote. */
export function transferBytes(of: TransferFacts): { bytes: number; expected: number | null } {
  if (of.transfer.direction !== 'list') {
    return { bytes: of.received?.bytes ?? 0, expected: of.transfer.file?.size ?? 0 };
  }
  return { bytes: of.clientClosed?.read ?? 0, expected: of.serverClosed?.written ?? null };
}

/** Whether the file is whole at its far end: length and SHA-256 as sent. The reply is another matter. */
export function isWhole(of: TransferFacts): boolean {
  const { bytes, expected } = transferBytes(of);
  if (of.transfer.direction === 'list') return expected !== null && bytes === expected;
  const { sent, received } = of;
  return (
    bytes === expected && sent?.whole === true && received?.whole === true && sent.sha256 === received.sha256
  );
}

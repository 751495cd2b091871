import { CONNTRACK_TIMEOUTS, type TimeoutName } from '../firewall/conntrack';
import type {
  ConntrackEvent,
  FlowEvent,
  LabEvent,
  Leg,
  PacketEvent,
  TimeoutsEvent,
  Tuple,
} from '../observe/event';
import { isLinux22, type Plan } from '../plan/plan';

/** Something that set an entry's timer. Seconds of the run since it began. */
export interface Moment {
  readonly at: number;
  /** made; another state; refreshed by a packet and nothing else */
  readonly change: 'made' | 'state' | 'refreshed';
  readonly state: string;
  /** the end whose packet it was; null where it is not known */
  readonly by: 'client' | 'server' | null;
  /** seconds that were left of the timer just before; null for the first */
  readonly left: number | null;
  /** seconds that the timer runs from here */
  readonly timeout: number;
  readonly event: string;
}

/** The life of one entry of the firewall's connection table. Seconds of the run since it began. */
export interface EntryLife {
  readonly original: Tuple;
  readonly reply: Tuple | null;
  readonly protocol: string;
  /** in order of time; of a busy connection the first and the last of a series of packets */
  readonly moments: readonly Moment[];
  /** when its timer ran out: the last packet that set it, and the timeout; null when it did not within the run */
  readonly expiredAt: number | null;
  /** when the firewall told that the entry is gone; it may be long after it expired */
  readonly goneAt: number | null;
  /** the event that told so */
  readonly gone: ConntrackEvent | null;
  /** the connection had ended by FIN or RST before; then nothing of a session is lost with its entry */
  readonly closed: boolean;
}

/** nf_conntrack_proto_tcp.c, tcp_conntrack_names: states that follow a FIN or an RST. */
const CLOSING = /^(?:FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT|CLOSE)$/;
/** Seconds that the clocks of packets and of conntrack's events may differ, and a jiffy. */
const CLOCKS = 0.02;

/** Events of the table that are read: a session of fifty transfers has a few hundred. */
const MAX_TOLD = 2000;

/** A packet as it comes to the firewall, which is when it sets the timer. */
interface Passing {
  readonly at: number;
  readonly leg: Leg;
  readonly bytes: number;
  /** the end of a series that began then, and in which there was no long pause; null: it is one packet */
  readonly since: number | null;
  readonly event: string;
}

/**
 * The life of every entry, from what the firewall told of its table and, as conntrack tells of no packet that
 * merely sets a timer anew, from the packets themselves. Pure.
 *
 * @param dataPorts to which data connections were dialled
 * @param captured whether every packet on both legs was seen: without that nobody knows which was an entry's last
 */
export function entryLives(
  plan: Plan,
  events: readonly LabEvent[],
  dataPorts: ReadonlySet<number>,
  captured: boolean,
): EntryLife[] {
  // A port scan makes entries without number, which are nobody's session.
  const ports = new Set([plan.server.port, ...dataPorts]);
  const isOurs = ({ protocol, original: { sourcePort, destinationPort } }: ConntrackEvent): boolean =>
    protocol === 'udp' || ports.has(destinationPort) || ports.has(sourcePort);
  const table = events
    .filter((event) => event.kind === 'conntrack')
    .filter(isOurs)
    .slice(0, MAX_TOLD);
  return entriesOf(table).map((told) => {
    const [first] = told;
    const isReplaced = table.find(
      ({ change, at, original }) => change === 'new' && at > first.at && sameTuple(original, first.original),
    );
    const until = isReplaced?.at ?? Number.POSITIVE_INFINITY;
    return new Life(plan, events, told, until).read(captured);
  });
}

/** What was told of each entry, from its beginning to its end. */
function entriesOf(table: readonly ConntrackEvent[]): [ConntrackEvent, ...ConntrackEvent[]][] {
  const entries: [ConntrackEvent, ...ConntrackEvent[]][] = [];
  const open = new Map<string, ConntrackEvent[]>();
  for (const event of table) {
    if (event.change.startsWith('expect-')) continue;
    const key = `${event.protocol} ${Object.values(event.original).join(' ')}`;
    const known = open.get(key);
    if (known && event.change !== 'new') known.push(event);
    else {
      const entry: [ConntrackEvent] = [event];
      entries.push(entry);
      open.set(key, entry);
    }
    if (event.change === 'destroy') open.delete(key);
  }
  return entries;
}

class Life {
  private readonly moments: Moment[] = [];
  private deadline = Number.POSITIVE_INFINITY;
  private readonly changes: readonly TimeoutsEvent[];

  constructor(
    private readonly plan: Plan,
    private readonly events: readonly LabEvent[],
    private readonly told: readonly [ConntrackEvent, ...ConntrackEvent[]],
    private readonly until: number,
  ) {
    this.changes = events.filter((event) => event.kind === 'timeouts');
  }

  read(captured: boolean): EntryLife {
    const [first] = this.told;
    const gone = this.told.find(({ change }) => change === 'destroy') ?? null;
    const steps = this.told.filter(({ change }) => change !== 'destroy');
    // A firewall that tells of each refreshing needs no packets to tell it.
    const tells = this.isExact || steps.some(({ change }) => change === 'refresh');
    const passings = tells ? [] : this.passings(Math.min(this.until, gone ? gone.at + CLOCKS : this.until));
    const long = passings.flatMap(({ since, at }) => (since === null ? [] : [{ since, at }]));
    for (const step of [...steps, ...passings].sort((a, b) => a.at - b.at || rank(a) - rank(b))) {
      // In the middle of a long flow packets come one after the other, though only its ends are known.
      const isBusy = long.some(({ since, at }) => step.at >= since && step.at <= at + CLOCKS);
      // What comes after the deadline is no longer this entry's.
      if (step.at >= this.deadline && !isBusy && !this.isExact) break;
      if ('kind' in step) this.change(step);
      else this.refresh(step);
    }
    const state = gone?.state === '' || !gone ? (this.moments.at(-1)?.state ?? '') : gone.state;
    const closed = CLOSING.test(state);
    return {
      original: first.original,
      reply: first.reply,
      protocol: first.protocol,
      moments: this.moments,
      expiredAt: this.expiredAt(gone, closed, captured || tells),
      goneAt: gone?.at ?? null,
      gone,
      closed,
    };
  }

  /** @param known whether every packet that set the timer is */
  private expiredAt(gone: ConntrackEvent | null, closed: boolean, known: boolean): number | null {
    if (this.isExact) return gone?.at ?? null;
    const over = gone?.at ?? this.events.at(-1)?.at ?? 0;
    if (known && this.deadline <= over + CLOCKS) return this.deadline;
    // It went before its time, or by a time that is not known: then the firewall's word is all there is.
    return gone && !closed ? gone.at : null;
  }

  /** A Linux 2.2 firewall tells of every start of a timer that matters, of its length, and of the moment it runs out. */
  private get isExact(): boolean {
    return isLinux22(this.plan);
  }

  private change(event: ConntrackEvent): void {
    const change = event.change === 'new' ? 'made' : event.change === 'update' ? 'state' : 'refreshed';
    const { at, state, id } = event;
    const { timeout = null } = event;
    if (timeout !== null && this.isExact) {
      this.add({ at, change, state, by: null, event: id }, timeout);
      return;
    }
    const known = this.timeoutOf(state, at);
    // It tells whole seconds, cut off; where it tells another number the state is not all there is to it.
    const told = timeout !== null && Math.abs(timeout - known) > 1 ? timeout : known;
    this.add({ at, change, state, by: null, event: id }, Number.isFinite(told) ? told : (timeout ?? told));
  }

  private refresh({ at, leg, bytes, event }: Passing): void {
    const last = this.moments.at(-1);
    // Before the first packet is through there is no entry; what made it is told by conntrack.
    if (!last) return;
    const end =
      leg === 'inside'
        ? this.plan.scenario.behind
        : this.plan.scenario.behind === 'client'
          ? 'server'
          : 'client';
    const byState = this.timeoutOf(last.state, at);
    // nf_conntrack_tcp_packet: while what was sent is not acknowledged the timer is no longer than this.
    const timeout = bytes > 0 ? Math.min(byState, this.timeout('unacknowledged', at)) : byState;
    this.add({ at, change: 'refreshed', state: last.state, by: end, event }, timeout);
  }

  private add(moment: Omit<Moment, 'left' | 'timeout'>, timeout: number): void {
    const left = this.moments.length === 0 ? null : Math.max(0, this.deadline - moment.at);
    this.moments.push({ ...moment, left, timeout });
    this.deadline = moment.at + timeout;
  }

  /** Seconds that a state's timer runs when it is set at a moment. */
  private timeoutOf(state: string, at: number): number {
    const name = state === '' ? 'udp-stream' : state.toLowerCase().replace('_', '-');
    return name in CONNTRACK_TIMEOUTS ? this.timeout(name as TimeoutName, at) : Number.POSITIVE_INFINITY;
  }

  private timeout(name: TimeoutName, at: number): number {
    const changed = this.changes.findLast((event) => event.at <= at && event.timeouts[name] !== undefined);
    return changed?.timeouts[name] ?? this.plan.firewall.timeouts[name] ?? CONNTRACK_TIMEOUTS[name].byItself;
  }

  /** The packets of this entry as they came to the firewall. */
  private passings(until: number): Passing[] {
    const [{ original, reply, at: from }] = this.told;
    const network = this.plan.firewall.addresses.inside.replace(/\.\d+$/, '.');
    const near: Leg = original.source.startsWith(network) ? 'inside' : 'outside';
    const far: Leg = near === 'inside' ? 'outside' : 'inside';
    const directions = [{ leg: near, tuple: original }, ...(reply ? [{ leg: far, tuple: reply }] : [])];
    return this.events
      .filter((event) => event.kind === 'packet' || event.kind === 'flow')
      .filter((event) => directions.some(({ leg, tuple }) => event.leg === leg && sameTuple(event, tuple)))
      .flatMap(passingsOf)
      .filter(({ at }) => at > from && at < until);
  }
}

/**
 * Which of two things of the same moment came first: what made or changed the entry, then what was said, then
 * its acknowledgement. Where time is virtual many things are of the same moment.
 */
function rank(step: ConntrackEvent | Passing): number {
  if ('kind' in step) return 0;
  return step.bytes > 0 ? 1 : 2;
}

function passingsOf(event: PacketEvent | FlowEvent): Passing[] {
  const { leg, id } = event;
  if (event.kind === 'packet') return [{ at: event.at, leg, bytes: event.length, since: null, event: id }];
  const { times = null, bytes, at, until } = event;
  if (times) return times.map((one) => ({ at: one, leg, bytes, since: null, event: id }));
  return [at, until].map((one) => ({ at: one, leg, bytes, since: one === at ? null : at, event: id }));
}

function sameTuple(one: Tuple, other: Tuple): boolean {
  return (
    one.source === other.source &&
    one.sourcePort === other.sourcePort &&
    one.destination === other.destination &&
    one.destinationPort === other.destinationPort
  );
}

import { countPorts, rangesText } from '../../agent/port-ranges';
import type { PortRange } from '../../firewall/kinds';
import type { Leg, ProbeEvent, ProbeReplyEvent } from '../../observe/event';
import type { ReportRun } from '../for-report';
import { otherLeg } from './journeys';
import { labelText, plain } from './label';
import { FIREWALL, type Wire } from './lanes';
import type { ArrowRow, Hop, LaneName } from './types';

const FLAG_WORDS: Readonly<Record<string, string>> = {
  S: 'SYN',
  A: 'ACK',
  SA: 'SYN/ACK',
  RA: 'RST/ACK',
  R: 'RST',
};

/** One arrow a source port: what was sent, and what of it came through. */
export function probeRows(run: ReportRun, wire: Wire): ArrowRow[] {
  const seen = run.events.filter((event) => event.kind === 'probe');
  const told = seen.filter(({ leg }) => leg === null);
  let last = '';
  return told.map((sent) => {
    const probe = run.probes.find(({ name }) => name === sent.probe);
    const from = laneNamed(sent.vantage, wire) ?? 'client';
    const to = laneNamed(probe?.to ?? '', wire);
    const leg = wire.legOf(from);
    const mine = (side: Leg): ProbeEvent | undefined =>
      seen.find(
        (event) => event.leg === side && event.probe === sent.probe && event.sourcePort === sent.sourcePort,
      );
    const near = mine(leg) ?? sent;
    const list = `${sent.probe} ${ports(near.ports)}`;
    // A list of ports is read once.
    const where = list === last ? `the same ${countPorts(near.ports)} ports` : ports(near.ports);
    last = list;
    return probeRow(sent, near, mine(otherLeg(leg)), { leg, from, to, where });
  });
}

function laneNamed(name: string, wire: Wire): LaneName | undefined {
  return wire.lanes.find((lane) => lane.name === name)?.name;
}

function probeRow(
  sent: ProbeEvent,
  near: ProbeEvent,
  far: ProbeEvent | undefined,
  way: { leg: Leg; from: LaneName; to: LaneName | undefined; where: string },
): ArrowRow {
  const leg = otherLeg(way.leg);
  const [tried, arrived] = [countPorts(near.ports), countPorts(far?.ports ?? [])];
  const what = `${FLAG_WORDS[sent.flags] ?? labelText(sent.flags, 12)} from port ${sent.sourcePort}`;
  const hops: Hop[] = [
    {
      leg: way.leg,
      from: way.from,
      to: FIREWALL[way.leg],
      label: plain(`${what} to ${way.where}`),
      ends: null,
    },
  ];
  if (far && arrived > 0) {
    const to = way.to ?? FIREWALL[leg];
    hops.push({ leg, from: FIREWALL[leg], to, label: plain(`to ${ports(far.ports)}`), ends: null });
  }
  const stopped = tried - arrived;
  return {
    kind: 'arrow',
    at: sent.at,
    until: null,
    channel: 'probe',
    hops,
    stop:
      stopped <= 0
        ? null
        : {
            lane: FIREWALL[way.leg],
            why: arrived === 0 ? `all ${stopped} stopped` : `${stopped} of ${tried} stopped`,
            certain: true,
          },
    reset: false,
    bytes: null,
    role: 'probe',
    connection: 0,
    again: [],
    title: `${sent.at.toFixed(3)} s, ${sent.vantage}: ${what}; sent to ${rangesText(sent.ports)}; came through to ${far ? rangesText(far.ports) : 'none'}`,
  };
}

/** One arrow for the replies of a kind to one port. */
export function probeReplyRows(run: ReportRun, wire: Wire): ArrowRow[] {
  const replies = run.events.filter((event) => event.kind === 'probe-reply');
  const arriving = replies.filter(({ source, leg }) => wire.laneOf(source, leg) !== FIREWALL[leg]);
  const leaving = replies.filter(({ source, leg }) => wire.laneOf(source, leg) === FIREWALL[leg]);
  const paired = new Set<ProbeReplyEvent>();
  const rows = arriving.map((near) => {
    const far = leaving.find(
      (one) =>
        one.leg !== near.leg &&
        one.flags === near.flags &&
        one.destinationPort === near.destinationPort &&
        !paired.has(one),
    );
    if (far) paired.add(far);
    return replyRow(near, far, wire);
  });
  // What the firewall answered itself: a reject, or a port of its own.
  const own = leaving.filter((one) => !paired.has(one)).map((one) => replyRow(one, undefined, wire));
  return [...rows, ...own];
}

function replyRow(near: ProbeReplyEvent, far: ProbeReplyEvent | undefined, wire: Wire): ArrowRow {
  const from = wire.laneOf(near.source, near.leg);
  const leg = otherLeg(near.leg);
  const to = wire.laneOf(near.destination, near.leg);
  const own = from === FIREWALL[near.leg];
  const what = FLAG_WORDS[near.flags] ?? labelText(near.flags, 12);
  const hops: Hop[] = [
    { leg: near.leg, from, to, label: plain(`${what} from ${ports(near.ports)}`), ends: null },
    ...(far
      ? [{ leg, from: FIREWALL[leg], to: wire.laneOf(far.destination, leg), label: [], ends: null }]
      : []),
  ];
  return {
    kind: 'arrow',
    at: near.at,
    until: null,
    channel: 'probe',
    hops,
    stop: own || far ? null : { lane: FIREWALL[near.leg], why: 'never left the firewall', certain: true },
    reset: near.flags.includes('R'),
    bytes: null,
    role: 'probe',
    connection: 0,
    again: [],
    title: `${near.at.toFixed(3)} s, ${own ? 'the firewall itself' : from}: ${what} from ${rangesText(near.ports)} to port ${near.destinationPort}`,
  };
}

function ports(ranges: readonly PortRange[]): string {
  const count = countPorts(ranges);
  return count === 1 ? `port ${rangesText(ranges)}` : `${count} ports: ${rangesText(ranges)}`;
}

import type { PacketEvent } from '../../observe/event';
import type { ReportRun } from '../for-report';
import { Connections, channelOf, controlPorts } from './connections';
import { Dialogue } from './dialogue';
import { entriesOf, expiryMarks, type Entry } from './entries';
import { flowRow } from './flow-rows';
import { foldLong, foldRepeats } from './fold';
import { flowJourneys, packetJourneys } from './journeys';
import { labelText } from './label';
import { FIREWALL, wireOf, type Wire } from './lanes';
import { packetRows } from './packet-rows';
import { probeReplyRows, probeRows } from './probe-rows';
import { programMarks, sectionRows } from './steps';
import { stopReasons } from './stops';
import type { ArrowRow, Bar, GapRow, Ladder, Row } from './types';
import { unseenRows } from './unseen-rows';

/** A quiet time longer than this is drawn as a break, with its length. Seconds. */
const BREAK = 1;
/** More arrows than this are folded. */
export const MOST_ARROWS = 120;
/** The connection table tells of an entry a moment after the packet that made it. Seconds. */
const TABLE_DELAY = 0.1;

/**
 * Everything a ladder shows, in order and without coordinates. Pure: the same result gives the same ladder.
 *
 * @param most arrows and marks to show before the rest is folded
 */
export function ladderOf(run: ReportRun, most = MOST_ARROWS): Ladder {
  const wire = wireOf(run);
  const ports = controlPorts(run);
  const channel = channelOf(run, ports);
  const connections = new Connections();
  const { entries, more } = entriesOf(run, wire, channel);
  for (const event of run.events) {
    if (event.kind === 'conntrack' && event.reply) connections.join(event.original, event.reply);
  }
  const { rows: arrows, dialogue } = arrowRows(run, wire, connections, channel);
  const marks = [...programMarks(run, wire), ...expiryMarks(run, entries)];
  const ordered = headingsDown(
    inOrder([...sectionRows(run), ...arrows, ...unseenRows(dialogue, wire), ...marks]),
  );
  const rows = withBreaks(foldLong(foldRepeats(ordered), most));
  const bars = barsOf(shownOf(entries, ordered, rows, connections), rows, connections);
  return {
    title: labelText(`${run.scenario}: ${run.title}`),
    description: describe(run, wire, ordered),
    lanes: wire.lanes,
    rows,
    bars,
    moreEntries: more + entries.length - bars.length,
    timeNote:
      run.timeScale === 1
        ? null
        : `a second here stands for ${String(run.timeScale)} s of the scenario’s time`,
  };
}

function arrowRows(
  run: ReportRun,
  wire: Wire,
  connections: Connections,
  channel: ReturnType<typeof channelOf>,
): { rows: ArrowRow[]; dialogue: Dialogue } {
  const byTime = [...run.events].sort((a, b) => a.at - b.at);
  const packets = byTime.filter((event) => event.kind === 'packet');
  const flows = byTime.filter((event) => event.kind === 'flow').filter(({ bytes }) => bytes > 0);
  const dialogue = new Dialogue(byTime.filter((event) => event.kind === 'ftp-line'));
  // First what went together: connections are known by it from here on.
  const journeys = packetJourneys(packets, wire, connections);
  const stop = stopReasons(run, connections);
  const context = {
    ...{ wire, connections, dialogue, stop },
    channel: (packet: PacketEvent) => channel(packet, packet.protocol),
  };
  const bulk = flowJourneys(flows, wire, connections).map((journey) =>
    flowRow(journey, {
      ...{ wire, connections },
      channel: (flow) => channel(flow, 'tcp'),
      stop: stop([], journey.near.leg, false),
      others: packets,
    }),
  );
  return {
    rows: [...packetRows(journeys, context), ...bulk, ...probeRows(run, wire), ...probeReplyRows(run, wire)],
    dialogue,
  };
}

const PRECEDENCE: Readonly<Record<Row['kind'], number>> = { section: 0, arrow: 1, mark: 2, fold: 3, gap: 4 };

/** The clocks of a program and of the captures may differ by as much. Seconds. */
const CLOCK_SKEW = 0.005;

/** A step begins with what the client does: a reply just after the heading belongs above it. */
function headingsDown(rows: readonly Row[]): Row[] {
  const moved = [...rows];
  for (let index = moved.length - 2; index >= 0; index -= 1) {
    const heading = moved[index];
    if (heading?.kind !== 'section') continue;
    for (let at = index; ; at += 1) {
      const next = moved[at + 1];
      if (!next || next.at - heading.at > CLOCK_SKEW || !isReply(next)) break;
      [moved[at], moved[at + 1]] = [next, heading];
    }
  }
  return moved;
}

function isReply(row: Row): boolean {
  return (
    row.kind === 'arrow' && row.channel === 'control' && row.role !== 'open' && row.hops[0]?.from === 'server'
  );
}

/** By time; what has the same time by what comes first in a connection's life. */
function inOrder(rows: readonly Row[]): Row[] {
  const rank = (row: Row): number =>
    PRECEDENCE[row.kind] + (row.kind === 'arrow' && row.bytes !== null ? 0.5 : 0);
  return [...rows].sort((a, b) => a.at - b.at || rank(a) - rank(b));
}

function withBreaks(rows: readonly Row[]): Row[] {
  let before = rows[0]?.at ?? 0;
  return rows.flatMap((row) => {
    const seconds = row.at - before;
    before = row.at;
    const gap: GapRow[] = seconds > BREAK ? [{ kind: 'gap', at: row.at, seconds }] : [];
    return [...gap, row];
  });
}

/**
 * Entries but for those of connections whose every arrow was folded away. By their times alone they are not
 * told from others: on a busy machine the table tells of an entry long after the packet that made it.
 */
function shownOf(
  entries: readonly Entry[],
  whole: readonly Row[],
  rows: readonly Row[],
  connections: Connections,
): Entry[] {
  const numbers = (of: readonly Row[]): Set<number | null> =>
    new Set(of.map((row) => (row.kind === 'arrow' ? row.connection : null)));
  const [drawn, kept] = [numbers(whole), numbers(rows)];
  return entries.filter(({ original, expectation }) => {
    const number = connections.numberOf(original);
    return expectation || !drawn.has(number) || kept.has(number);
  });
}

/** Entries as bars between rows; those whose whole life was folded away are left out. */
function barsOf(entries: readonly Entry[], rows: readonly Row[], connections: Connections): Bar[] {
  const times = rows.map((row) => row.at);
  const lastRow = rows.length - 1;
  return entries.flatMap((entry): Bar[] => {
    const number = connections.numberOf(entry.original);
    const mine = rows.flatMap((row, index) =>
      row.kind === 'arrow' && row.connection === number && !entry.expectation ? [{ row, index }] : [],
    );
    // The packet that made the entry comes before the table tells of it.
    const maker = entry.expectation
      ? rows.findLastIndex((row) => isJustBefore(row, 'arrangement', entry.from))
      : (mine.find(({ row }) => row.at <= entry.from && entry.from - row.at <= TABLE_DELAY)?.index ?? -1);
    const after = times.findIndex((at) => at >= entry.from);
    const first = maker >= 0 ? maker : after < 0 ? lastRow : after;
    const last = Math.max(first, entry.to === null ? lastRow : endOf(entry, { first, to: entry.to }, rows));
    // Of a connection that is drawn nothing was folded away, however late the table told of it.
    if (maker < 0 && mine.length === 0 && rows[first - 1]?.kind === 'fold') return [];
    const bulk = mine.find(({ row }) => row.bytes !== null);
    const until = bulk?.row.until ?? 0;
    const flowing = bulk
      ? {
          first: bulk.index,
          last: Math.min(
            last,
            Math.max(
              bulk.index,
              times.findLastIndex((at) => at <= until),
            ),
          ),
        }
      : null;
    const { tag, channel, expectation, text, to } = entry;
    const life = `${entry.from.toFixed(3)} s to ${to === null ? 'the end' : `${to.toFixed(3)} s`}`;
    const { closing } = entry;
    const closed = closing === null || expectation ? null : times.findLastIndex((at) => at <= closing);
    return [
      {
        tag,
        channel,
        expectation,
        first,
        last,
        flowing,
        closed,
        ended: to !== null,
        text: `${text}, ${life}`,
      },
    ];
  });
}

/** The last row an entry lives in: an expectation ends with the connection that came of it. */
function endOf({ expectation }: Entry, life: { first: number; to: number }, rows: readonly Row[]): number {
  const met = expectation
    ? rows.findIndex((row, index) => index > life.first && isJustBefore(row, 'open', life.to))
    : -1;
  return met >= 0 ? met : rows.findLastIndex((row) => row.at <= life.to);
}

function isJustBefore(row: Row, role: ArrowRow['role'], at: number): boolean {
  return row.kind === 'arrow' && row.role === role && row.at <= at && at - row.at <= TABLE_DELAY;
}

/** What the picture shows, for those who do not see it. */
function describe(run: ReportRun, wire: Wire, rows: readonly Row[]): string {
  const arrows = rows.filter((row) => row.kind === 'arrow');
  const stops = arrows.filter(({ stop }) => stop !== null);
  const order = wire.lanes.map(({ name, address }) => (address === '' ? name : `${name} (${address})`));
  const changed = arrows.filter(({ hops }) => hops.some(({ label }) => label.some((piece) => piece.changed)));
  const bulk = arrows.filter(({ bytes }) => bytes !== null);
  return [
    `Ladder diagram; time runs down. Lanes from left to right: ${order.join(', ')}.`,
    `${arrows.length} arrows.`,
    ...changed.slice(0, 6).map(({ title }) => `Rewritten by the firewall: ${title}.`),
    ...bulk.slice(0, 6).map(({ title }) => `Data: ${title}.`),
    ...stops.slice(0, 12).map(({ title }) => `Went no further than the firewall: ${title}.`),
    ...(stops.length === 0 ? ['Every packet that reached the firewall left it.'] : []),
    ...run.diagnosis.slice(0, 3).map(({ text }) => `Cause: ${labelText(text, 400)}`),
  ].join(' ');
}

export { FIREWALL };

import type { EntryLife } from './entry-lives';
import type { Facts } from './facts';
import type { TimelineEntry } from './run-result';

/** Entries and moments that a result tells of at most. */
const MAX_ENTRIES = 100;
const MAX_MOMENTS = 200;

/** The life of every entry of a session's connections, in the scenario's time. */
export function timeline(facts: Facts): TimelineEntry[] {
  return facts.lives.slice(0, MAX_ENTRIES).map((life) => entryOf(facts, life));
}

function entryOf(facts: Facts, life: EntryLife): TimelineEntry {
  const { original, reply, protocol, closed } = life;
  const { timeScale } = facts.plan;
  const inScenario = (seconds: number | null): number | null =>
    seconds === null ? null : milliseconds(seconds * timeScale);
  const known = (seconds: number): number => inScenario(seconds) ?? 0;
  const moments = life.moments.map(({ at, change, state, by, left, timeout, event }) => ({
    ...{ atSeconds: known(at), change, state, by },
    ...{
      leftSeconds: inScenario(left),
      timeoutSeconds: Number.isFinite(timeout) ? known(timeout) : null,
      event,
    },
  }));
  const skipped = Math.max(0, moments.length - MAX_MOMENTS);
  return {
    ...roleOf(facts, life),
    ...{ protocol, from: end(original.source, original.sourcePort), closed },
    to: end(original.destination, original.destinationPort),
    translated: reply && end(reply.destination, reply.destinationPort),
    madeAtSeconds: moments[0]?.atSeconds ?? 0,
    expiredAtSeconds: inScenario(life.expiredAt),
    goneAtSeconds: inScenario(life.goneAt),
    // The first, and as many of the last as there is room for: those tell how it ended.
    moments: skipped === 0 ? moments : [...moments.slice(0, 1), ...moments.slice(skipped + 1)],
  };
}

function roleOf(facts: Facts, { original, protocol }: EntryLife): Pick<TimelineEntry, 'role' | 'transfer'> {
  if (protocol !== 'tcp') return { role: 'other', transfer: null };
  const { port } = facts.plan.server;
  if (original.destinationPort === port || original.sourcePort === port)
    return { role: 'control', transfer: null };
  const of = facts.transfers.find(({ syns }) =>
    [...syns.inside, ...syns.outside].some(
      (syn) => syn.sourcePort === original.sourcePort && syn.destinationPort === original.destinationPort,
    ),
  );
  return { role: of ? 'data' : 'other', transfer: of?.transfer.name ?? null };
}

function end(address: string, port: number): string {
  return `${address}:${port}`;
}

/** Seconds to the millisecond. */
export function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

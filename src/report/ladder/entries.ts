import type { ConntrackEvent, Tuple } from '../../observe/event';
import type { ReportRun } from '../for-report';
import { labelText } from './label';
import type { Wire } from './lanes';
import type { Channel, MarkRow } from './types';

/** A life in the firewall's connection table. */
export interface Entry {
  readonly tag: string;
  readonly channel: Channel;
  readonly expectation: boolean;
  /** seconds since the run began */
  readonly from: number;
  /** null: still there at the end of the run */
  readonly to: number | null;
  /** when its connection was closed; null when that was not seen */
  readonly closing: number | null;
  /** whether it went although its connection was open */
  readonly expired: boolean;
  readonly original: Tuple;
  readonly text: string;
}

/** States of a TCP entry whose connection is over, or about to be (conntrack's own names). */
const CLOSING = /CLOSE|TIME_WAIT|LAST_ACK|FIN_WAIT/;

interface Life {
  readonly first: ConntrackEvent;
  to: number | null;
  state: string;
  closing: number | null;
}

/** Entries come and go by the thousand when ports are probed: those of the session matter. */
const MOST_ENTRIES = 200;

/** The entries of connections and expectations, from what the connection table told of its changes. */
export function entriesOf(
  run: ReportRun,
  wire: Wire,
  channel: (ends: Tuple, protocol: string) => Channel,
): { entries: Entry[]; more: number } {
  const strangers = new Set(
    (['prober', 'neighbour'] as const).map((name) => wire.addressOf(name)).filter(Boolean),
  );
  const lives = new Map<string, Life[]>();
  for (const event of run.events) {
    if (event.kind !== 'conntrack' || strangers.has(event.original.source)) continue;
    const key = `${event.change.startsWith('expect') ? 'expect' : event.protocol} ${Object.values(event.original).join(' ')}`;
    const list = lives.get(key) ?? [];
    lives.set(key, list);
    const current = list.at(-1);
    if (event.change.includes('destroy')) {
      if (current?.to === null) Object.assign(current, { to: event.at, state: event.state || current.state });
    } else if (current?.to === null) current.state = event.state;
    else list.push({ first: event, to: null, state: event.state, closing: null });
    const now = list.at(-1);
    if (now && CLOSING.test(now.state)) now.closing ??= event.at;
  }
  const counts: Record<string, number> = {};
  const all = [...lives.values()]
    .flat()
    .sort((a, b) => a.first.at - b.first.at)
    .map(({ first, to, state, closing }): Entry => {
      const expectation = first.change.startsWith('expect');
      const kind = expectation ? 'data' : channel(first.original, first.protocol);
      const letter = expectation ? 'E' : { control: 'C', data: 'D', other: 'N', probe: 'N' }[kind];
      counts[letter] = (counts[letter] ?? 0) + 1;
      const expired = to !== null && !expectation && !CLOSING.test(state);
      return {
        tag: `${letter}${counts[letter]}`,
        channel: kind,
        expectation,
        from: first.at,
        to: expired ? (deadlineOf(run, first) ?? to) : to,
        closing,
        expired,
        original: first.original,
        text: describe(first, kind, expectation),
      };
    });
  return { entries: all.slice(0, MOST_ENTRIES), more: Math.max(0, all.length - MOST_ENTRIES) };
}

/** When an entry's timer ran out, which is before the firewall tells of it. Seconds of the run. */
function deadlineOf(
  { timeline = [], timeScale }: ReportRun,
  { original, at }: ConntrackEvent,
): number | null {
  const from = `${original.source}:${original.sourcePort}`;
  const to = `${original.destination}:${original.destinationPort}`;
  const entry = timeline.find(
    (one) => one.from === from && one.to === to && Math.abs(one.madeAtSeconds / timeScale - at) < 0.01,
  );
  const expired = entry?.expiredAtSeconds ?? null;
  return expired === null ? null : expired / timeScale;
}

function describe(
  { original, reply, helper }: ConntrackEvent,
  channel: Channel,
  expectation: boolean,
): string {
  const what = expectation ? 'expectation' : channel === 'other' ? 'other entry' : `${channel} entry`;
  const end = (address: string, port: number): string => `${address}:${port === 0 ? 'any' : port}`;
  const source = end(original.source, original.sourcePort);
  const destination = end(original.destination, original.destinationPort);
  const from = reply ? end(reply.source, reply.sourcePort) : destination;
  const to = reply ? end(reply.destination, reply.destinationPort) : source;
  return labelText(
    [
      `${what} ${source} → ${destination}`,
      ...(from === destination ? [] : [`replies from ${from}`]),
      ...(to === source ? [] : [`replies to ${to}`]),
      ...(helper === null ? [] : [`helper ${helper}`]),
    ].join(', '),
  );
}

/** A control entry that went while the session had more to say: the heart of long transfers. */
export function expiryMarks(run: ReportRun, entries: readonly Entry[]): MarkRow[] {
  const lastWord = run.events.findLast(
    (event) => event.kind === 'ftp-line' || (event.kind === 'packet' && event.payload !== ''),
  );
  return entries
    .filter(({ channel, expired }) => channel === 'control' && expired)
    .filter(({ to }) => to !== null && to < (lastWord?.at ?? 0))
    .map(({ to, tag }) => ({
      kind: 'mark',
      at: to ?? 0,
      lane: 'firewall inside',
      text: `${tag} expires: the firewall forgets the control connection`,
      tone: 'bad',
    }));
}

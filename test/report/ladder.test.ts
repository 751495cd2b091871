import type { RunResult } from '../../src/verdict/run-result';
import { forReport } from '../../src/report/for-report';
import { compareLines, textOf } from '../../src/report/ladder/label';
import { ladderOf, MOST_ARROWS } from '../../src/report/ladder/model';
import type { ArrowRow, Bar, Ladder, MarkRow } from '../../src/report/ladder/types';
import { runs, scenarioWith } from '../support';
import {
  EXPIRY,
  MANY,
  SCENARIOS,
  enlarged,
  packetsOf,
  pick,
  passed,
  type ScenarioName,
} from './ladder-cases';

// What a ladder shows of real runs, before it is drawn.

let all: Map<string, RunResult>;
beforeAll(async () => {
  all = await passed(SCENARIOS);
});

const ladder = (name: ScenarioName): Ladder => ladderOf(forReport(pick(all, name)));
const arrows = ({ rows }: Ladder): ArrowRow[] => rows.filter((row) => row.kind === 'arrow');
const marks = ({ rows }: Ladder): MarkRow[] => rows.filter((row) => row.kind === 'mark');
const bar = ({ bars }: Ladder, tag: string): Bar => {
  const found = bars.find((one) => one.tag === tag);
  if (!found) throw new Error(`no bar ${tag} among ${bars.map((one) => one.tag).join()}`);
  return found;
};
const texts = ({ hops }: ArrowRow): string[] => hops.map(({ label }) => textOf(label));
const changed = ({ hops }: ArrowRow): string[] =>
  hops.map(({ label }) => label.map((piece) => (piece.changed ? `[${piece.text}]` : piece.text)).join(''));
const found = (of: Ladder, wanted: (row: ArrowRow) => boolean): ArrowRow => {
  const row = arrows(of).find(wanted);
  if (!row) throw new Error(`no such arrow among: ${arrows(of).map(texts).join(' | ')}`);
  return row;
};

test('lanes stand in the order of the wire, and guests only where they took part', () => {
  const names = (name: ScenarioName): string[] => ladder(name).lanes.map((lane) => lane.name);
  expect(names('passive-nat')).toEqual(['client', 'firewall inside', 'firewall outside', 'server']);
  expect(names('server-nat-helper-passive')).toEqual([
    'server',
    'firewall inside',
    'firewall outside',
    'client',
  ]);
  expect(names('t1-exposure')).toEqual(['client', 'firewall inside', 'firewall outside', 'server', 'prober']);
});

test('every PORT and 227 is shown on both legs, as it was there', () => {
  for (const [name, run] of all) {
    const drawn = arrows(ladderOf(forReport(run))).filter(({ role }) => role === 'arrangement');
    const lines = (leg: string): string[] =>
      packetsOf(run)
        .filter((packet) => packet.leg === leg && /^(?:PORT|227) /.test(packet.payload))
        .map(({ payload }) => payload.trimEnd());
    for (const leg of ['inside', 'outside']) {
      const shown = drawn.flatMap(({ hops }) =>
        hops.filter((hop) => hop.leg === leg).map(({ label }) => textOf(label)),
      );
      expect([name, shown]).toEqual([name, lines(leg)]);
    }
  }
  const withHelper = arrows(ladder('active-nat-helper')).filter(({ role }) => role === 'arrangement');
  expect(withHelper.length).toBeGreaterThanOrEqual(1);
});

test('what the helper wrote over is marked on both legs, and nothing else', () => {
  const port = found(ladder('active-nat-helper'), ({ role }) => role === 'arrangement');
  expect(changed(port)[0]).toMatch(/^PORT \[10\],0,\[0\],\[10\],\d+,\d+$/);
  expect(changed(port)[1]).toMatch(/^PORT \[203\],0,\[113\],\[1\],\d+,\d+$/);
  const reply = found(ladder('server-nat-helper-passive'), ({ role }) => role === 'arrangement');
  expect(reply.hops[0]?.from).toBe('server');
  expect(changed(reply)[0]).toMatch(/\(\[10\],0,\[0\],\[20\],\d+,\d+\)$/);
  expect(changed(reply)[1]).toMatch(/\(\[203\],0,\[113\],\[1\],\d+,\d+\)$/);
  const untouched = found(ladder('active-nat'), ({ role }) => role === 'arrangement');
  expect(changed(untouched).join()).not.toContain('[');
});

test('addresses before and after translation stand at the ends of what opens a connection', () => {
  const syn = found(ladder('passive-nat'), ({ role }) => role === 'open');
  expect(syn.hops.map(({ leg }) => leg)).toEqual(['inside', 'outside']);
  expect(syn.hops[0]?.ends?.source).toMatch(/^10\.0\.0\.10:\d+$/);
  expect(syn.hops[1]?.ends?.source).toMatch(/^203\.0\.113\.1:\d+$/);
  const untranslated = found(ladder('t2-passive'), ({ role }) => role === 'open');
  expect(untranslated.hops[0]?.ends).not.toBeNull();
  expect(untranslated.hops[1]?.ends).toBeNull();
});

test('a packet that did not leave the firewall stops there, at the rule the diagnosis names', () => {
  const syn = found(ladder('t3-active-helper'), ({ stop }) => stop !== null);
  // TCP may have tried again.
  expect(texts(syn)[0]).toMatch(/^SYN(?: ×|$)/);
  expect(syn.channel).toBe('data');
  expect(syn.stop).toEqual({
    lane: 'firewall outside',
    why: expect.stringMatching(/^stopped by row 3: deny tcp any/) as string,
    certain: true,
  });
  const answer = found(ladder('t2-passive'), ({ stop }) => stop !== null);
  expect(texts(answer)[0]).toMatch(/^SYN\/ACK/);
  expect(answer.stop?.why).toMatch(/^stopped by the policy/);
});

test('without a diagnosis no rule is named, and without a whole capture nothing is certain', () => {
  const run = pick(all, 't3-active-helper');
  const stopOf = (changes: Partial<RunResult>): ArrowRow['stop'] =>
    found(ladderOf(forReport({ ...run, ...changes })), ({ stop }) => stop !== null).stop;
  expect(stopOf({ diagnosis: [] })?.why).toBe('never left the firewall');
  const lossy = run.captures.map((capture) => (capture.leg === 'inside' ? { ...capture, lost: 7 } : capture));
  expect(stopOf({ diagnosis: [], captures: lossy })).toMatchObject({
    why: 'not seen beyond: the inside capture lost 7 packets',
    certain: false,
  });
});

test('nothing stops where everything passed, and everything passes as itself', () => {
  for (const name of ['passive-nat', 'active-nat-helper', 'server-nat-helper-passive'] as const) {
    const drawn = arrows(ladder(name));
    expect(drawn.filter(({ stop }) => stop !== null)).toEqual([]);
    expect(drawn.every(({ hops }) => hops.length === 2)).toBe(true);
    // A packet paired with another one would seem rewritten.
    const rewritten = drawn.filter(({ hops }) => hops.some(({ label }) => label.some((one) => one.changed)));
    expect(rewritten.every(({ role }) => role === 'arrangement')).toBe(true);
  }
});

test('packets in quick succession are not mixed up, though a helper shifted their sequence numbers', () => {
  const run = pick(all, 'active-nat-helper');
  // As if all had one time: nothing but what they carry tells them apart.
  const events = run.events.map((event) => (event.kind === 'packet' ? { ...event, at: 0.05 } : event));
  const verbs = arrows(ladderOf(forReport({ ...run, events })))
    .filter(({ role, channel }) => channel === 'control' && role !== 'unseen')
    .map((row) => texts(row).map((text) => text.split(' ')[0]));
  expect(verbs.filter(([before, after]) => after !== '' && after !== before)).toEqual([]);
  expect(verbs.filter((both) => both.length === 1)).toEqual([]);
});

test('bulk data is one thick arrow a direction, with all its bytes', () => {
  const run = pick(all, 'passive-nat');
  const bulk = arrows(ladderOf(forReport(run))).filter(({ bytes }) => bytes !== null);
  const files = run.transfers.map(({ bytes }) => bytes).filter((bytes) => bytes > 0);
  expect(bulk).toHaveLength(files.length);
  for (const [index, bytes] of files.entries()) {
    // What TCP sent again went over the wire again.
    expect(bulk[index]?.bytes).toBeGreaterThanOrEqual(bytes);
    expect(bulk[index]?.bytes).toBeLessThan(bytes * 1.5);
  }
  expect(bulk.every(({ channel }) => channel === 'data')).toBe(true);
});

test('probes are one arrow a source port, with what came through', () => {
  const probes = arrows(ladder('t1-exposure')).filter(({ hops }) => hops[0]?.from === 'prober');
  const exposure = pick(all, 't1-exposure').probes[0]?.exposure ?? [];
  expect(probes).toHaveLength(exposure.length);
  for (const [index, { sourcePort, arrived }] of exposure.entries()) {
    const probe = probes[index];
    expect(probe && texts(probe)[0]).toContain(`SYN from port ${sourcePort} to`);
    expect(probe?.hops).toHaveLength(arrived.length === 0 ? 1 : 2);
    expect(probe?.stop).not.toBeNull();
  }
});

test('bars run from an entry’s making to its end, expectations to the connection that came of them', () => {
  const drawn = ladder('active-nat-helper');
  const rowAt = (index: number): ArrowRow | undefined => {
    const row = drawn.rows[index];
    return row?.kind === 'arrow' ? row : undefined;
  };
  expect(rowAt(bar(drawn, 'C1').first)).toMatchObject({ role: 'open', channel: 'control' });
  expect(bar(drawn, 'C1')).toMatchObject({ ended: false, last: drawn.rows.length - 1, flowing: null });
  expect(rowAt(bar(drawn, 'E1').first)?.role).toBe('arrangement');
  expect(rowAt(bar(drawn, 'E1').last)).toMatchObject({ role: 'open', channel: 'data' });
  expect(bar(drawn, 'E1').ended).toBe(true);
  expect(rowAt(bar(drawn, 'D1').first)).toMatchObject({ role: 'open', channel: 'data' });
  expect(rowAt(bar(drawn, 'D1').flowing?.first ?? -1)?.bytes).toBeGreaterThan(0);
});

test('one sees the control entry die while data flows, and the reply that is lost for it', async () => {
  const { runs: made } = await runs([scenarioWith(EXPIRY)]);
  const [run] = made;
  if (!run) throw new Error('no run');
  const drawn = ladderOf(forReport(sweptInTime(run)));
  const [control, data] = [bar(drawn, 'C1'), bar(drawn, 'D1')];
  expect(control.ended).toBe(true);
  const death = drawn.rows[control.last];
  expect(death).toMatchObject({ kind: 'mark', tone: 'bad' });
  expect(marks(drawn).filter(({ text }) => text.startsWith('C1 expires'))).toHaveLength(1);
  expect(data.flowing?.first).toBeLessThan(control.last);
  expect(data.flowing?.last).toBeGreaterThan(control.last);
  const lost = found(drawn, ({ role, stop }) => role === 'final' && stop !== null);
  expect(texts(lost)[0]).toMatch(/^226/);
  expect(lost.stop?.why).toBe('reached the firewall itself, which reset it');
  expect(drawn.rows.some((row) => row.kind === 'gap' && row.seconds > 1)).toBe(true);
  // The firewall resets the server, and is said to have done so itself.
  const reset = found(drawn, ({ hops, reset: is }) => is && hops[0]?.from === 'firewall outside');
  expect(texts(reset)).toEqual(['RST (the firewall’s own)']);
});

/**
 * The kernel tells that an entry has expired when it next sweeps its table, or at the next packet (gc_worker and
 * nf_ct_is_expired, nf_conntrack_core.c). Here it is told while data flow, as by a sweep.
 */
function sweptInTime(run: RunResult): RunResult {
  const bulk = run.events.find((event) => event.kind === 'flow' && event.bytes > 60_000);
  if (bulk?.kind !== 'flow') throw new Error('no data flowed');
  const middle = (bulk.at + bulk.until) / 2;
  const events = run.events.map((event) =>
    event.kind === 'conntrack' && event.change === 'destroy' && event.original.destinationPort === 21
      ? { ...event, at: Math.min(event.at, middle) }
      : event,
  );
  return { ...run, events: events.sort((a, b) => a.at - b.at) };
}

test('a series of transfers that are alike shows its first and last', async () => {
  const { runs: made } = await runs([scenarioWith(MANY)]);
  const [run] = made;
  if (!run) throw new Error('no run');
  const drawn = ladderOf(forReport(run));
  const folds = drawn.rows.filter((row) => row.kind === 'fold');
  expect(folds).toHaveLength(1);
  expect(folds[0]?.text).toMatch(/^… \d+ more arrows: 7 transfers of the same kind \(file 2 to file 8\)/);
  expect(arrows(drawn).filter(({ role }) => role === 'arrangement')).toHaveLength(2);
  // The entries of what is drawn have their bars; the others are counted, however late the table told of them.
  for (const delay of [0, 0.2, 2]) {
    const told = run.events.map((event) =>
      event.kind === 'conntrack' ? { ...event, at: event.at + delay } : event,
    );
    const { bars, moreEntries } = ladderOf(forReport({ ...run, events: told.sort((a, b) => a.at - b.at) }));
    const data = bars.filter(({ tag }) => tag.startsWith('D')).map(({ tag }) => tag);
    expect({ delay, data, moreEntries }).toEqual({ delay, data: ['D1', 'D9'], moreEntries: 7 });
  }
  // So late that the first one's is told of just behind what was folded, in a session that took its time.
  const slow = run.events.map((event) => ({
    ...event,
    at: event.at * 100,
    ...(event.kind === 'flow' && { until: event.until * 100, times: null }),
  }));
  const rows = ladderOf(forReport({ ...run, events: slow })).rows.filter(({ kind }) => kind !== 'gap');
  const behind = rows[rows.findIndex(({ kind }) => kind === 'fold') + 1]?.at ?? Number.NaN;
  const late = slow
    .map((event) => (event.kind === 'conntrack' ? { ...event, at: Math.max(event.at, behind) } : event))
    .sort((one, other) => one.at - other.at);
  const shown = ladderOf(forReport({ ...run, events: late })).bars.map(({ tag }) => tag);
  expect(shown).toEqual(expect.arrayContaining(['D1', 'D9']));
});

test('a session of thousands of packets is folded, and what tells most is kept', () => {
  const drawn = ladderOf(forReport(enlarged(pick(all, 't3-active-helper'), 10_000)));
  const shown = arrows(drawn).length + marks(drawn).length;
  expect(shown).toBeLessThanOrEqual(MOST_ARROWS);
  expect(shown).toBeGreaterThan(MOST_ARROWS / 2);
  const folds = drawn.rows.filter((row) => row.kind === 'fold');
  expect(folds.reduce((sum, fold) => sum + fold.arrows, 0)).toBeGreaterThan(2000);
  expect(arrows(drawn).some(({ stop }) => stop !== null)).toBe(true);
});

test('rows are in order, and a step begins after the replies to the one before', () => {
  for (const run of all.values()) {
    const { rows } = ladderOf(forReport(run));
    for (const [index, row] of rows.entries()) {
      const next = rows[index + 1];
      // Clocks of programs and captures differ by less than this.
      if (next) expect(next.at - row.at).toBeGreaterThan(-0.005);
      if (row.kind === 'section' && next?.kind === 'arrow' && next.channel === 'control') {
        expect(next.hops[0]?.from).not.toBe('server');
      }
    }
  }
});

test('a line that one end alone told of ends half-way, and says so', () => {
  const quit = found(ladder('t2-passive'), ({ role }) => role === 'unseen');
  expect(texts(quit)).toEqual(['QUIT (in no packet)']);
  expect(quit.hops).toHaveLength(1);
});

test('lines that are in no packet are drawn as what they are', () => {
  const run = pick(all, 'active-nat');
  const unheard = { ...run, captures: [], events: run.events.filter(({ kind }) => kind !== 'packet') };
  const drawn = arrows(ladderOf(forReport(unheard))).filter(({ role }) => role === 'unseen');
  // Both ends told of it, so it arrived.
  const user = drawn.find((row) => texts(row)[0] === 'USER anonymous');
  expect(user?.hops).toHaveLength(2);
  // With packets, each line is found in one: no line is drawn twice.
  expect(arrows(ladderOf(forReport(run))).filter(({ role }) => role === 'unseen')).toEqual([]);
});

test.each([
  ['PORT 10,0,0,10,4,1', 'PORT 203,0,113,1,4,1', 'PORT [10],0,[0],[10],4,1', 'PORT [203],0,[113],[1],4,1'],
  ['EPRT |1|10.0.0.10|1025|', 'EPRT |1|9.9.9.9|1025|', '[10].[0].[0].[10]', '[9].[9].[9].[9]'],
  ['227 Entering (1,2)', '227 Passive (1,2)', '227 [Entering] (1,2)', '227 [Passive] (1,2)'],
  ['QUIT', 'QUIT', 'QUIT', 'QUIT'],
])('the difference of “%s” and “%s”', (before, after, first, second) => {
  const compared = compareLines(before, after);
  const show = (pieces: readonly { text: string; changed: boolean }[]): string =>
    pieces.map((piece) => (piece.changed ? `[${piece.text}]` : piece.text)).join('');
  expect(show(compared.before)).toContain(first);
  expect(show(compared.after)).toContain(second);
  expect([textOf(compared.before), textOf(compared.after)]).toEqual([before, after]);
});

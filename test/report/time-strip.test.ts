import { forReport } from '../../src/report/for-report';
import { PLAIN } from '../../src/report/style';
import { timeStrip } from '../../src/report/time-strip';
import type { RunResult, TimelineEntry } from '../../src/verdict/run-result';

// The strip is pure, so what it draws of one entry is written down here, column by column.

/** Seconds of a session, and of 48 columns ten each. */
const SPAN = 480;

function moment(
  atSeconds: number,
  leftSeconds: number | null,
  timeoutSeconds = 100,
): TimelineEntry['moments'][number] {
  return {
    atSeconds,
    leftSeconds,
    timeoutSeconds,
    change: 'refreshed',
    state: 'ESTABLISHED',
    by: 'client',
    event: 'e',
  };
}

/** @param changes what differs from a control connection that was in use for its first fifty seconds */
function strip(changes: Partial<TimelineEntry>): string[] {
  const entry: TimelineEntry = {
    ...{ role: 'control', transfer: null, protocol: 'tcp', from: 'c:1', to: 's:21', translated: null },
    ...{ madeAtSeconds: 0, expiredAtSeconds: null, goneAtSeconds: null, closed: false },
    ...{ moments: [moment(0, null), moment(50, 50)] },
    ...changes,
  };
  const run = { timeline: [entry], events: [{ at: SPAN }], timeScale: 1 };
  return timeStrip(forReport(run as unknown as RunResult), PLAIN);
}

/** The drawing of the one entry, without its name and what is said of it. */
const drawn = (lines: readonly string[]): string => /^control c:1 {2}(.{48})/.exec(lines[1] ?? '')?.[1] ?? '';
const said = (lines: readonly string[]): string => (lines[1] ?? '').slice('control c:1  '.length + 50);

test('an entry that ran out, which the firewall told of long after', () => {
  const lines = strip({ expiredAtSeconds: 150, goneAtSeconds: 300 });
  expect(lines[0]).toMatch(/^ +0 +8 min$/);
  expect(drawn(lines)).toBe(`█────█─────────✕${'·'.repeat(15)}${' '.repeat(17)}`);
  expect(said(lines)).toBe('expired at 150 s, 100 s after its last packet; told of at 300 s');
});

test('one that the firewall told of at once', () => {
  const lines = strip({ expiredAtSeconds: 150, goneAtSeconds: 150.1 });
  expect(drawn(lines)).toBe(`█────█─────────✕${' '.repeat(32)}`);
});

test('one that the firewall had not told of when the run was over', () => {
  const lines = strip({ expiredAtSeconds: 150 });
  expect(drawn(lines)).toBe(`█────█─────────✕${'·'.repeat(32)}`);
  expect(said(lines)).toBe('expired at 150 s, 100 s after its last packet; not told of');
});

test('one that lived, and how near it came to its end', () => {
  const lines = strip({ moments: [moment(0, null), moment(90, 10), moment(475, 40)] });
  expect(drawn(lines)).toBe(`█────────█${'─'.repeat(37)}█`);
  expect(said(lines)).toBe('never less than 10 s left');
});

test('nothing of a run in which time played no part', () => {
  const run = { timeline: [], events: [{ at: SPAN }], timeScale: 1 };
  expect(timeStrip(forReport(run as unknown as RunResult), PLAIN)).toEqual([]);
});

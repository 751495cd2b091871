import type { TraceRecord } from '../../src/observe/event';
import type { RunResult } from '../../src/verdict/run-result';
import { recorded } from '../catalogue';
import { EVERY_REPORT } from './every-report';

// A trace that has gaps proves less, so whoever reads a report must hear of it.

let run: RunResult;

beforeAll(async () => {
  const [first] = await recorded(['passive-nat']);
  if (!first) throw new Error('no run');
  run = first;
});

const WHOLE: TraceRecord = { why: null, overflows: 0, untold: 0, unread: 0 };

function drawn(trace: TraceRecord | null): string[] {
  return [EVERY_REPORT.terminal({ ...run, trace }), EVERY_REPORT.HTML({ ...run, trace })];
}

test('of a run the kernel’s trace is whole, and says which rows packets met', () => {
  expect(run.trace).toEqual(WHOLE);
  const traces = run.events.filter((event) => event.kind === 'trace');
  expect(traces.every(({ captured, fate }) => captured !== null && fate === 'passed')).toBe(true);
  const rows = traces.flatMap(({ steps }) => steps.map(({ row }) => row));
  expect(new Set(rows.filter((row) => typeof row === 'number'))).toEqual(
    new Set(run.rules.flatMap(({ row, packets }) => (typeof row === 'number' && packets > 0 ? [row] : []))),
  );
});

test.each([
  [{ why: 'nft <b>ended</b>' }, /incomplete \(nft (?:<b>|&lt;b(?:>|&gt;))ended/],
  [{ overflows: 2 }, /incomplete \(messages of the kernel were lost 2 times\)/],
  [{ untold: 7 }, /incomplete \(7 packets are past the number that is kept\)/],
  [{ unread: 3 }, /incomplete \(3 lines are of no known form\)/],
])('%j is said on the terminal and in HTML', (gap, said) => {
  for (const text of drawn({ ...WHOLE, ...gap })) expect(text).toMatch(said);
});

test('of a whole one, and where there is none to be had, nothing is', () => {
  for (const trace of [WHOLE, null]) {
    for (const text of drawn(trace)) expect(text).not.toContain('trace of the rules is incomplete');
  }
});

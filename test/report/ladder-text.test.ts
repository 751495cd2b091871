import { forReport } from '../../src/report/for-report';
import { ladderText } from '../../src/report/ladder';
import { cells } from '../../src/report/ladder/measure';
import type { RunResult } from '../../src/verdict/run-result';
import { PLAIN, SCENARIOS, enlarged, pick, passed, type ScenarioName } from './ladder-cases';

// The small ladder of a terminal.

let all: Map<string, RunResult>;
beforeAll(async () => {
  all = await passed(SCENARIOS);
});

const draw = (name: ScenarioName, width = 90): string[] =>
  ladderText(forReport(pick(all, name)), { width, style: PLAIN });

test.each(SCENARIOS)('%s: fits the terminal, is short, and has its lanes on every row', (name) => {
  for (const [asked, most] of [
    [40, 74],
    [74, 74],
    [90, 90],
    [300, 100],
  ] as const) {
    const lines = draw(name, asked);
    expect(Math.max(...lines.map(cells))).toBeLessThanOrEqual(most);
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(lines.slice(2).filter((line) => !/[│✘◀▶]/.test(line))).toEqual([]);
    expect(lines.filter((line) => line !== line.trimEnd())).toEqual([]);
  }
});

test('an ordinary run takes about 25 lines', () => {
  expect(draw('passive-nat').length).toBeLessThanOrEqual(28);
  expect(draw('server-nat-helper-passive').length).toBeLessThanOrEqual(25);
});

test.each([74, 90, 100])(
  'PORT before and after stand under each other at %i columns, what changed is marked',
  (width) => {
    const lines = draw('active-nat-helper', width);
    const at = lines.findIndex((line) => line.startsWith('    was'));
    const [before = '', after = '', marks = ''] = lines.slice(at, at + 3);
    expect(before).toMatch(/PORT 10,0,0,10,\d+,\d+/);
    expect(after).toMatch(/PORT 203,0,113,1,\d+,\d+/);
    expect(before.indexOf('PORT')).toBe(after.indexOf('PORT'));
    const marked = Array.from(marks, (mark, column) => (mark === '^' ? after[column] : '')).join('');
    expect(marked).toBe('2031131');
  },
);

test('a 227 that is longer than a leg is shown whole all the same', () => {
  const lines = draw('server-nat-helper-passive', 74);
  expect(lines.join('\n')).toMatch(/227 PASV OK \(203,0,113,1,\d+,\d+\)/);
});

test('an arrow that stopped ends in a cross, beside the row that did it', () => {
  const line = draw('t3-active-helper').find((one) => one.includes('✘'));
  expect(line).toMatch(/stopped by row 3.*✘╌+ SYN /);
  expect(draw('passive-nat').join('')).not.toContain('✘');
});

test('control, data and bytes have strokes of their own', () => {
  const text = draw('passive-nat').join('\n');
  expect(text).toMatch(/─ PASV ─/);
  expect(text).toMatch(/╌ SYN, SYN\/ACK ╌/);
  expect(text).toMatch(/◀═+│/);
});

test('emphasis changes no column', () => {
  const marked = (text: string): string => `\u001b[1m${text}\u001b[0m`;
  const style = { bold: marked, dim: marked, red: marked, green: marked, yellow: marked };
  for (const run of all.values()) {
    const lines = ladderText(forReport(run), { width: 80, style });
    expect(lines.map((line) => line.replace(/\u001b\[\dm/g, '').trimEnd())).toEqual(
      ladderText(forReport(run), { width: 80, style: PLAIN }),
    );
  }
});

test('thousands of packets fit a screen or two', () => {
  expect(
    ladderText(forReport(enlarged(pick(all, 'active-nat-helper'), 12_000)), { width: 80, style: PLAIN })
      .length,
  ).toBeLessThan(120);
});

test('hostile bytes are harmless', () => {
  const hostile = '500 \u001b[2J\u0000\u202eevil\u009b31m\ufeff\ud800';
  const run = pick(all, 'active-nat');
  const events = run.events.map((event) => {
    if (event.kind === 'ftp-line') return { ...event, line: event.line.replace(/^500.*$/, hostile) };
    if (event.kind === 'step' && event.error !== null) return { ...event, error: hostile };
    if (event.kind !== 'packet' || !event.payload.startsWith('500')) return event;
    return { ...event, payload: Buffer.from(hostile, 'utf8').toString('latin1') };
  });
  const text = ladderText(forReport({ ...run, events }), { width: 100, style: PLAIN }).join('\n');
  expect(text).toContain('\\x1b[2J');
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\ufeff\ud800]/);
});

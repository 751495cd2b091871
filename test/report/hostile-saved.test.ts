import { XMLParser } from 'fast-xml-parser';
import { SyntaxValidator } from 'fast-xml-validator';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forReport } from '../../src/report/for-report';
import { jsonReport } from '../../src/report/json';
import { junitReport } from '../../src/report/junit';
import { readResults } from '../../src/report/read-results';
import type { RunResult } from '../../src/verdict/run-result';
import { recorded } from '../catalogue';
import { scratch } from '../support';
import { EVERY_REPORT } from './every-report';

// A saved result comes from anybody: every text of it is hostile, and no format passes any of it on.

const HOSTILE =
  '\u001b]0;owned\u0007\u001b[2J\u0000\u202eevil\u2066\u009b31m\u200b\ufeff\r\n]]><!-- "&amp;<b>';
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;

/** Texts of which the lab makes decisions; all others are free. */
const WORDS = [
  'kind',
  'outcome',
  'vantage',
  'leg',
  'protocol',
  'change',
  'direction',
  'mode',
  'dialledBy',
  'role',
  'by',
];
const MORE_WORDS = [
  'behind',
  'verdict',
  'phase',
  'role',
  'row',
  'host',
  'openedBy',
  'attach',
  'transport',
  'on',
  'id',
  'fate',
];

let hostile: RunResult[];
beforeAll(async () => {
  const all = await recorded(['active-nat', 't1-syn-probes', 'dns-udp']);
  const kept = new Set([...WORDS, ...MORE_WORDS]);
  const spoil = (run: RunResult): RunResult =>
    JSON.parse(JSON.stringify(run), (key, value: unknown) => {
      const names = key === '' || /^\d+$/.test(key);
      return typeof value === 'string' && !kept.has(key) && !names ? `${value}${HOSTILE}` : value;
    }) as RunResult;
  hostile = all.map(spoil).flatMap((run) => [
    run,
    {
      ...run,
      outcome: 'fail' as const,
      reason: HOSTILE,
      expectations: run.expectations.map((one) => ({ ...one, held: false })),
    },
    { ...run, outcome: 'infra-error' as const, reason: HOSTILE },
  ]);
  const [first] = hostile;
  if (!first || !JSON.stringify(first.topology).includes('owned')) throw new Error('nothing was spoiled');
});

test.each(Object.entries(EVERY_REPORT))(
  '%s: nothing that a terminal or a browser would act on',
  (_format, draw) => {
    const drawn = hostile.map(draw);
    // Some have nothing to say of some runs; none has nothing to say of all.
    for (const text of drawn) expect(text === '' || text.includes('owned')).toBe(true);
    expect(drawn.join('')).toContain('owned');
    for (const text of drawn) expect(FORBIDDEN.exec(text)?.index ?? null).toBe(null);
  },
);

test('JUnit: well-formed, and every text where it belongs', () => {
  const xml = junitReport(hostile.map(forReport));
  expect(SyntaxValidator.validate(xml)).toBe(true);
  const parsed = new XMLParser({ ignoreAttributes: false }).parse(xml) as {
    testsuites: { testsuite: unknown[] };
  };
  expect(parsed.testsuites.testsuite).toHaveLength(hostile.length);
  expect(xml).not.toContain('<b>');
});

test('JSON: the same data, and no byte that a terminal would act on but in escapes', () => {
  const text = jsonReport(hostile);
  expect(JSON.parse(text)).toEqual({ schemaVersion: 1, runs: hostile });
  expect(FORBIDDEN.exec(text)?.index ?? null).toBe(null);
});

test('a saved document of it is read, and is what it was', () => {
  const file = join(scratch(), 'hostile.json');
  writeFileSync(file, jsonReport(hostile));
  expect(readResults(file)).toEqual(hostile);
});

test('megabytes in every text make no report large', () => {
  const long = 'y'.repeat(3_000_000);
  const [run] = hostile;
  if (!run) throw new Error('no run');
  const large = {
    ...run,
    scenario: long,
    title: long,
    claim: long,
    reason: long,
    outcome: 'fail' as const,
    expectations: run.expectations.map((one) => ({ ...one, held: false, why: long, text: long })),
    diagnosis: run.diagnosis.map((one) => ({ ...one, text: long, remedy: long, transfer: long })),
    rules: run.rules.map((one) => ({ ...one, text: long })),
    events: run.events.map((event) => ({ ...event, text: long })),
  };
  for (const format of ['terminal', 'Markdown', 'JUnit'] as const) {
    expect(EVERY_REPORT[format](large).length).toBeLessThan(100_000);
  }
});

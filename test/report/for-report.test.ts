import { asItCame, forReport, type ReportRun } from '../../src/report/for-report';
import { validateDocument } from '../../src/report/result-validator';
import { terminalReport } from '../../src/report/terminal';
import { PLAIN } from '../../src/report/style';
import type { RunResult } from '../../src/verdict/run-result';
import { recorded } from '../catalogue';
import { EVERY_REPORT } from './every-report';

// The door to the reports: what is drawn went through it, so that no report has to think of it.

const PROBE = 'probe\u001b[31mX\u202e\u0000\u009b1m\u2028\ufeff\r\n::error::<script>probe</script>';
const ACTED_ON =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
const MARKUP = new Set(['HTML', 'HTML index', 'SVG', 'JUnit']);

type Path = readonly (string | number)[];

let all: RunResult[];
beforeAll(async () => {
  all = (await recorded(['active-nat', 't1-syn-probes', 'dns-udp'])).map(few);
});

/** A run with some events of each kind, which are enough to have each of their texts. */
function few(run: RunResult): RunResult {
  const seen = new Map<string, number>();
  const events = run.events.filter(({ kind, id }) => {
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    return (seen.get(kind) ?? 0) <= 2 || run.diagnosis.some((cause) => cause.events.includes(id));
  });
  return { ...run, events };
}

/** Where texts are, one place of each sort: of a list's items, or of events of a kind, one. */
function placesIn(run: RunResult): Map<string, Path> {
  const places = new Map<string, Path>();
  const walk = (value: unknown, path: Path, sort: string): void => {
    if (typeof value === 'string' && !places.has(sort)) places.set(sort, path);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, part] of Object.entries(value)) {
      const kind = Array.isArray(value) && typeof part === 'object' ? (part as { kind?: string }).kind : '';
      walk(part, [...path, key], `${sort}.${Array.isArray(value) ? (kind ?? '') : key}`);
    }
  };
  walk(run, [], '');
  return places;
}

/** A value with the probe at the end of its text at a place. */
function replaced(value: unknown, [key, ...rest]: Path): unknown {
  // What a text begins with is what it is known by: PORT, a reply's code.
  if (key === undefined) return `${String(value)}${PROBE}`;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
    string,
    unknown
  >;
  copy[key] = replaced(copy[key], rest);
  return copy;
}

test('each text of a result alone: no report passes on what acts, wherever it comes from', () => {
  const shown = new Set<string>();
  const wrong: string[] = [];
  for (const run of all) {
    for (const [sort, path] of placesIn(run)) {
      const probed = replaced(run, path) as RunResult;
      // A word of the lab's own: no other is read, and the lab writes no other.
      if (!validateDocument({ schemaVersion: 1, runs: [probed] })) continue;
      const failed = { ...probed, outcome: 'fail', expectations: probed.expectations.map(broken) } as const;
      const unjudged = { ...probed, outcome: 'infra-error', reason: probed.reason ?? PROBE } as const;
      for (const [format, draw] of Object.entries(EVERY_REPORT)) {
        for (const text of [failed, unjudged].map(draw)) {
          if (text.includes('probe\\x1b')) shown.add(sort);
          if (ACTED_ON.test(text) || (format !== 'JUnit' && /^::error::/m.test(text)))
            wrong.push(`${format} of ${sort}`);
          if (MARKUP.has(format) && text.includes('<script>probe')) wrong.push(`${format} of ${sort}`);
        }
      }
    }
  }
  expect([...new Set(wrong)]).toEqual([]);
  expect([...shown].sort()).toEqual(
    expect.arrayContaining([
      '.artifacts.directory',
      '.claims..why',
      '.diagnosis..remedy',
      '.events.conntrack.original.source',
      '.events.ftp-line.line',
      '.events.packet.payload',
      '.events.packet.text',
      '.expectations..why',
      '.kernel',
      '.rules..text',
      '.title',
      '.topology.hosts.client.interfaces..address',
      '.transfers..command',
    ]),
  );
});

function broken<T extends object>(expectation: T): T & { held: false } {
  return { ...expectation, held: false };
}

test('a result as it came is let into no report', () => {
  const [run] = all as [RunResult];
  // @ts-expect-error: its texts are anybody's
  terminalReport(run, PLAIN);
  // @ts-expect-error: so is what is put into one that came by the door
  const changed: ReportRun = { ...forReport(run), reason: 'anything' };
  expect(changed).toMatchObject({ reason: 'anything' });
});

test('what is harmless is not copied, and a result is looked through once', () => {
  const [run] = all as [RunResult];
  const harmless = { ...run, events: run.events.filter(({ kind }) => kind === 'step') };
  expect(forReport(harmless)).toBe(harmless);
  const hostile = { ...run, title: PROBE };
  const shown = forReport(hostile);
  expect(forReport(hostile)).toBe(shown);
  expect(shown.title).toMatch(/^probe\\x1b\[31mX\\x202e\\x00/);
  expect(shown.topology).toBe(run.topology);
  expect(asItCame(shown)).toBe(hostile);
  expect(hostile.title).toBe(PROBE);
});

test('a payload stays bytes, and what refers to an event still does', () => {
  const [run] = all as [RunResult];
  const events = run.events.map((event) => ({ ...event, id: `${event.id}${PROBE}` }));
  const diagnosis = run.diagnosis.map((cause) => ({ ...cause, events: events.map(({ id }) => id) }));
  const shown = forReport({ ...run, events, diagnosis });
  expect(shown.diagnosis[0]?.events).toEqual(shown.events.map(({ id }) => id));
  const payloads = (of: readonly { kind: string }[]): unknown[] =>
    of.map((event) => (event as { payload?: string }).payload);
  expect(payloads(shown.events)).toEqual(payloads(run.events));
});

test('megabytes in a text and a document without end cost little', () => {
  const [run] = all as [RunResult];
  let nested: object = {};
  for (let depth = 0; depth < 100_000; depth += 1) nested = { nested };
  const shown = forReport({ ...run, nested, reason: 'y'.repeat(3_000_000) });
  expect(shown.reason.length).toBeLessThan(5000);
});

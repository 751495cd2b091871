import { SyntaxValidator } from 'fast-xml-validator';
import { forReport } from '../../src/report/for-report';
import { layoutOf } from '../../src/report/ladder/layout';
import { ladderOf } from '../../src/report/ladder/model';
import { WIDTH, boxOf, type Layout, type TextBox } from '../../src/report/ladder/places';
import { ladderSvg } from '../../src/report/ladder';
import type { RunResult } from '../../src/verdict/run-result';
import { SCENARIOS, enlarged, pick, passed } from './ladder-cases';

// The picture: well-formed, readable, and nothing over another.

let all: Map<string, RunResult>;
beforeAll(async () => {
  all = await passed(SCENARIOS);
});

const HOSTILE =
  '220 \u001b]0;owned\u0007\u001b[2J\u0000\u202eevil\u2066\u009b31m\u200b\ufeff\uffff\ud800 ]]></text><script>alert(1)</script><!-- "&amp;\' &#0;';
/** What no report may pass on. */
const HARMFUL =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/;

/** The run with another greeting, at both ends and in the packets. */
function greeting(run: RunResult, text: string): RunResult {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return {
    ...run,
    title: text,
    events: run.events.map((event) => {
      if (event.kind === 'ftp-line') return { ...event, line: event.line.replace(/^220 .*$/, text) };
      if (event.kind !== 'packet' || !event.payload.startsWith('220 ')) return event;
      return { ...event, payload: `${bytes}\r\n`, length: bytes.length + 2 };
    }),
  };
}

function textsOf(layout: Layout): TextBox[] {
  return [
    ...layout.heads,
    ...layout.rows.flatMap((row) => row.texts),
    ...layout.bars.map(({ tag }) => tag),
    ...layout.keys,
  ];
}

/** Pairs of texts of which one is over the other. */
function overlaps(layout: Layout): string[] {
  const placed = textsOf(layout).map((text) => ({
    ...boxOf(text),
    text: text.pieces.map((p) => p.text).join(''),
  }));
  return placed.flatMap((a, index) =>
    placed
      .slice(index + 1)
      .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      .map((b) => `“${a.text}” and “${b.text}”`),
  );
}

function expectReadable(run: RunResult): void {
  const layout = layoutOf(ladderOf(forReport(run)));
  expect(overlaps(layout)).toEqual([]);
  const lanes = layout.lanes.map(({ x }) => x);
  for (const row of layout.rows) {
    for (const text of row.texts) {
      const box = boxOf(text);
      expect(box.left).toBeGreaterThanOrEqual(0);
      expect(box.right).toBeLessThanOrEqual(WIDTH);
      // Within its row, off the lanes, and off the row's own arrow.
      expect(box.top).toBeGreaterThanOrEqual(row.top - 1);
      expect(box.bottom).toBeLessThanOrEqual(row.bottom + 4);
      expect(lanes.filter((x) => x > box.left && x < box.right)).toEqual([]);
      const over = row.hops.filter(
        ({ fromX, toX }) => Math.min(fromX, toX) < box.left && box.right < Math.max(fromX, toX),
      );
      if (over.length > 0) expect(box.bottom < row.y || box.top > row.y).toBe(true);
    }
  }
}

test.each(SCENARIOS)('%s: no two labels overlap, and none leaves the picture or crosses a lane', (name) => {
  expectReadable(pick(all, name));
});

test('texts of any length and script keep their places', () => {
  const run = pick(all, 'active-nat-helper');
  for (const text of [
    '220 世界世界'.repeat(40),
    '220 😀'.repeat(40),
    `220 ${'w'.repeat(400)}`,
    `220 a${'\u0301'.repeat(200)}`,
  ]) {
    expectReadable(greeting(run, text));
  }
});

test.each(SCENARIOS)('%s: well-formed, self-contained, with its text alternative', (name) => {
  const svg = ladderSvg(forReport(pick(all, name)));
  expect(SyntaxValidator.validate(svg)).toBe(true);
  expect(svg).toMatch(
    /^<svg [^>]*role="img"[^>]*viewBox="0 0 760 [\d.]+"[^>]*><title>[^<]+<\/title><desc>[^<]+<\/desc>/,
  );
  // Nothing is fetched, nothing runs, and no name is given that another picture on a page could have too.
  expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(
    /https?:|url\(|@import|href|<script|\bid=/,
  );
  const arrows = svg.match(/<g class="row arrow-row">(?!<title>[^<]+<\/title>)/g);
  expect(arrows).toBeNull();
});

test('colours are not all that tells connections apart, and a page may set them', () => {
  const svg = ladderSvg(forReport(pick(all, 'passive-nat')));
  expect(svg).toMatch(/\.data \{[^}]*stroke-dasharray/);
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).toContain('@media print');
  expect(svg).toContain(':where(.ladder)');
});

test('what the helper wrote over is underlined', () => {
  const svg = ladderSvg(forReport(pick(all, 'active-nat-helper')));
  expect(svg).toMatch(/PORT <tspan class="changed">203<\/tspan>,0,<tspan class="changed">113<\/tspan>/);
  expect(svg).toMatch(/\.changed \{[^}]*text-decoration: underline/);
});

test('a stop is a cross and the rule’s name; a reset is drawn as one', () => {
  const stopped = ladderSvg(forReport(pick(all, 't3-active-helper')));
  expect(stopped).toContain('<path class="cross"');
  expect(stopped).toMatch(/✘ stopped by row 3: deny/);
  expect(ladderSvg(forReport(pick(all, 'passive-nat')))).not.toContain('class="cross"');
  expect(ladderSvg(forReport(pick(all, 't1-exposure')))).toMatch(/<polygon class="tip probe reset"/);
});

test('the same run gives the same picture, whatever order equal events are told in', () => {
  for (const run of all.values()) {
    const again = JSON.parse(JSON.stringify(run)) as RunResult;
    expect(ladderSvg(forReport(again))).toBe(ladderSvg(forReport(run)));
  }
});

test('10,000 events and more make a picture that a page can hold', () => {
  const svg = ladderSvg(forReport(enlarged(pick(all, 'active-nat-helper'), 12_000)));
  expect(svg.length).toBeLessThan(300_000);
  expect(SyntaxValidator.validate(svg)).toBe(true);
  expect(svg).toMatch(/… \d{3,} more/);
});

test('hostile bytes: markup, escapes, bidi marks, NULs', () => {
  const svg = ladderSvg(forReport(greeting(pick(all, 'active-nat'), HOSTILE)));
  expect(svg).toContain('owned');
  expect(SyntaxValidator.validate(svg)).toBe(true);
  expect(svg).not.toMatch(HARMFUL);
  expect(svg).not.toMatch(/<script|<!--|]]>/);
});

test('hostile bytes: megabytes in a line, a name, an error', () => {
  const run = pick(all, 't3-active-helper');
  const huge = 'A<b>'.repeat(500_000);
  const svg = ladderSvg(
    forReport({
      ...greeting(run, `220 ${huge}`),
      scenario: huge,
      diagnosis: run.diagnosis.map((one) => ({ ...one, text: huge })),
      events: run.events.map((event) =>
        event.kind === 'ftp-line'
          ? { ...event, line: huge }
          : event.kind === 'step'
            ? { ...event, error: huge }
            : event,
      ),
    }),
  );
  expect(svg.length).toBeLessThan(200_000);
  expect(SyntaxValidator.validate(svg)).toBe(true);
});

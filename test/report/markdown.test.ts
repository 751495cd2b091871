import MarkdownIt from 'markdown-it';
import { forReport } from '../../src/report/for-report';
import { markdownReport } from '../../src/report/markdown';
import type { RunResult } from '../../src/verdict/run-result';
import { runs, scenarioWith, scratch } from '../support';

// Markdown is judged by what a renderer makes of it: links and HTML on, as a hostile text would want them.

const renderer = new MarkdownIt({ html: true, linkify: true });

const HOSTILE =
  'a|b \\`x\\` `code` ``` **bold** _em_ ~~no~~ [x](http://evil.example) ![i](//evil.example/i.png) <img src=x onerror=y> ' +
  '<script>z</script> http://evil.example www.evil.example @everyone &lt; &#60; \\ $x$ \u202eevil\u0000\u001b[2J\n\n# head\n- item';
/** As `printable` shows it, which every report does before anything else. */
const SHOWN = HOSTILE.replace('\u202e', '\\x202e')
  .replace('\u0000', '\\x00')
  .replace('\u001b', '\\x1b')
  .replaceAll('\n', '\\x0a');

let failed: RunResult;
let passed: RunResult;
beforeAll(async () => {
  const file = scenarioWith([['mode: passive', 'mode: active']], scratch());
  const { runs: all } = await runs(['passive-nat', file]);
  [passed, failed] = all as [RunResult, RunResult];
});

/** What a reader sees: the rendered text, without tags. */
function seen(html: string): string {
  return html
    .replace(/<!--.*?-->/g, '')
    .replace(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

function tags(html: string): string[] {
  return [...new Set([...html.matchAll(/<\/?([a-z][a-z0-9]*)/gi)].map(([, name]) => name ?? ''))].sort();
}

function hostile(): RunResult {
  return {
    ...failed,
    scenario: HOSTILE,
    claim: HOSTILE,
    reason: HOSTILE,
    engine: HOSTILE,
    kernel: HOSTILE,
    expectations: [{ text: HOSTILE, held: false, why: HOSTILE, events: [] }],
    diagnosis: [{ code: HOSTILE, transfer: HOSTILE, text: HOSTILE, remedy: HOSTILE, events: [] }],
    rules: [{ row: 1, text: HOSTILE, packets: 1, bytes: 1 }],
    artifacts: { directory: HOSTILE, captures: [] },
    events: failed.events.map((event) => (event.kind === 'ftp-line' ? { ...event, line: HOSTILE } : event)),
  };
}

test('a table of all, and of what failed the expectation, cause and remedy', () => {
  const html = renderer.render(markdownReport([passed, failed].map(forReport)));
  const text = seen(html);
  expect(text).toContain('FTP firewall lab: 1 passed, 1 failed, 0 not judged because the lab failed');
  expect([...html.matchAll(/<tr>/g)]).toHaveLength(3);
  expect(text).toContain('Expected: download is complete; seen: ');
  expect(text).toContain('Cause (download, inside-address-in-port): The client’s PORT'.replace('’', "'"));
  expect(text).toContain('Remedy: Attach the FTP helper');
  expect(text).toContain('> PORT 10,0,0,10,');
  expect(html).toContain('<details><summary>Rules and what they counted</summary>');
  // Whoever reads what did not fail reads a line, not a page.
  expect([...text.matchAll(/passive-nat/g)]).toHaveLength(1);
});

test('what peers sent is text, and nothing else', () => {
  const html = renderer.render(markdownReport([hostile(), passed].map(forReport)));
  expect(tags(html)).toEqual(
    ['code', 'details', 'h3', 'h4', 'li', 'p', 'pre', 'strong', 'sub', 'summary'].concat(
      ...[['table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul']],
    ),
  );
  // Once in a cell, where it is cut; the rest whole.
  expect(seen(html).split(SHOWN).length).toBeGreaterThan(8);
  expect(html).not.toMatch(/[\u0000\u001b\u202e]/);
  expect(html).not.toMatch(/<[^>]+(?:href|src|onerror)/);
  const rows = [...html.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    row.split(/<\/t[hd]>/).map((cell) => seen(cell).trim()),
  );
  const cut = (text: string): string => `${text.slice(0, 200)}…`;
  expect(rows[1]).toEqual(['❌ fail', SHOWN, '0/1', expect.stringMatching(/^\d/), expect.any(String), '']);
  expect(rows[1]?.[4]?.slice(0, 150)).toBe(cut(SHOWN).slice(0, 150));
});

test('nobody is mentioned, and nothing becomes a link by itself', () => {
  const markdown = markdownReport([forReport(hostile())]);
  const outsideCode = markdown.replace(/^(`{3,})text\n[^]*?^\1$/gm, '');
  expect(outsideCode).toContain('@<!-- -->everyone');
  expect(outsideCode).not.toMatch(/@everyone|:\/\/|www\./);
});

test('a fence cannot be ended from within', () => {
  const ticks = '`'.repeat(12);
  const run = { ...hostile(), rules: [{ row: 1, text: `${ticks}\n<b>out</b>`, packets: 0, bytes: 0 }] };
  expect(tags(renderer.render(markdownReport([forReport(run)])))).not.toContain('b');
});

test('a run that was not judged says so, and that it proves nothing', () => {
  const unjudged = { ...failed, outcome: 'infra-error' as const, reason: 'tcpdump ended', expectations: [] };
  expect(seen(renderer.render(markdownReport([forReport(unjudged)])))).toContain(
    'The lab failed, which says nothing about FTP: tcpdump ended',
  );
});

test('thousands of failures stay under what a job summary may have, and none goes unsaid', () => {
  const markdown = markdownReport(Array.from({ length: 2000 }, hostile).map(forReport));
  expect(Buffer.byteLength(markdown)).toBeLessThan(3 * 2 ** 20);
  const few = markdownReport(Array.from({ length: 300 }, () => failed).map(forReport));
  expect(Buffer.byteLength(few)).toBeLessThan(2 ** 20);
  expect([...few.matchAll(/^#### /gm)]).toHaveLength(300);
});

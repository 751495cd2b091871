import type { Browser } from 'playwright-core';
import { forReport } from '../../src/report/for-report';
import { printable } from '../../src/report/escape';
import { htmlIndex, htmlReport } from '../../src/report/html';
import type { RunResult } from '../../src/verdict/run-result';
import { recorded } from '../catalogue';
import { axeFindings, openFolds, openHtml, PHONE, tooWide } from './html-browser';
import { describeInChromium } from './chromium';

// What peers send is hostile. Here it is in every text of a result at once, and a real Chromium opens it.

const MARKUP = [
  '"><img src=x onerror=window.owned=1><script>window.owned=1</script>',
  "' onfocus=window.owned=1 autofocus x='",
  '</template></code></pre></style></script></title></svg><svg onload=window.owned=1>',
  '<iframe src=javascript:parent.owned=1></iframe><base href=https://example.invalid/>',
  '<link rel=stylesheet href=https://example.invalid/a.css><meta http-equiv=refresh content=0;url=https://example.invalid/>',
  '<!-- {{constructor.constructor("window.owned=1")()}} -->&lt;b&gt;',
].join('');

const PAYLOADS: readonly (readonly [what: string, payload: string, shown: string])[] = [
  ['markup', MARKUP, '<script>window.owned=1</script>'],
  ['escape codes', '\u001b]0;owned\u0007\u001b[2J\u009b31m', '\\x1b]0;owned\\x07\\x1b[2J\\x9b31m'],
  ['bidi marks', '\u202egpj.exe\u2066\u200f', '\\x202egpj.exe\\x2066\\x200f'],
  ['NULs', 'a\u0000b\uffff\ud800', 'a\\x00b\\xffff\\xd800'],
  ['line breaks', 'one\r\ntwo\u2028three', 'one\\x0d\\x0atwo\\x2028three'],
  ['megabytes', 'A'.repeat(1_000_000), 'A'.repeat(200)],
];

/** Fields that hold words of the lab's own, which the readers of a result insist on. */
const WORDS = new Set([
  ...['id', 'kind', 'vantage', 'leg', 'direction', 'phase', 'change', 'role', 'row', 'protocol'],
  ...['outcome', 'verdict', 'mode', 'behind', 'attach', 'openedBy', 'dialledBy', 'role', 'by'],
]);

let browser: Browser;
let run: RunResult;

describeInChromium('hostile bytes in the HTML report, in a browser', (running) => {
  beforeAll(async () => {
    browser = running();
    const [first] = await recorded(['t3-active-helper']);
    if (!first) throw new Error('no run');
    run = first;
  });

  /** The run with something before each of its texts, whatever they are. */
  function hostile(payload: string): RunResult {
    const replaced = JSON.parse(JSON.stringify(run), (key, value: unknown) =>
      typeof value === 'string' && !WORDS.has(key) ? `${payload} ${value}` : value,
    ) as RunResult;
    // Lists of texts have no key of their own to go by: what they refer to stays as it was.
    const events = <T extends { readonly events: readonly string[] }>(
      mine: readonly T[],
      own: readonly T[],
    ): T[] => mine.map((one, index) => ({ ...one, events: own[index]?.events ?? [] }));
    return {
      ...replaced,
      expectations: events(replaced.expectations, run.expectations),
      claims: events(replaced.claims, run.claims),
      diagnosis: events(replaced.diagnosis, run.diagnosis),
    };
  }

  describe.each(PAYLOADS)('%s in every text', (_what, payload, shown) => {
    test.each(['report', 'index'] as const)('of the %s do nothing, and are seen', async (kind) => {
      const bad = hostile(payload);
      const failed: RunResult = { ...bad, outcome: 'infra-error', reason: payload };
      const html =
        kind === 'report'
          ? htmlReport(forReport(bad))
          : htmlIndex([bad, failed].map(forReport), () => 'run.html');
      const { page, requests, complaints } = await openHtml(browser, html, { viewport: PHONE });
      await openFolds(page);
      expect(await page.evaluate('window.owned')).toBeUndefined();
      expect(requests).toEqual([]);
      expect(complaints).toEqual([]);
      const text = await page.evaluate<string>(
        `[...document.body.querySelectorAll(':scope > :not(script)')].map((part) => part.textContent).join(' ')`,
      );
      expect(text).toContain(shown);
      // Nothing that printable would still change: it all went through it.
      const raw = Array.from(text.replaceAll('\n', '')).filter(
        (character) => printable(character) !== character,
      );
      expect(raw).toEqual([]);
      expect(
        await page.locator('img, iframe, base, script:not(body > script), link[rel=stylesheet]').count(),
      ).toBe(0);
      expect(await tooWide(page)).toEqual([]);
      await page.context().close();
    });
  });

  test('megabytes in every text make no megabytes of page', () => {
    expect(htmlReport(forReport(hostile('A'.repeat(1_000_000)))).length).toBeLessThan(3_000_000);
  });

  test('markup in every text leaves the page accessible', async () => {
    const { page } = await openHtml(browser, htmlReport(forReport(hostile(MARKUP))));
    expect(await axeFindings(page)).toEqual([]);
    await page.context().close();
  });

  test('what got past the escaping all the same would run nothing and fetch nothing', async () => {
    const attack =
      '<script>window.owned=1</script><img src="https://example.invalid/a.png" onerror="window.owned=1">' +
      '<a id="bait" href="javascript:window.owned=1">x</a><link rel="stylesheet" href="https://example.invalid/a.css">';
    const html = htmlReport(forReport(run)).replace('<h1>', `${attack}<h1>`);
    const { page, requests, complaints } = await openHtml(browser, html);
    await page.locator('#bait').click();
    await page.locator('#timeline summary').first().click();
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(requests).toEqual([]);
    expect(complaints.filter((line) => line.includes('Content Security Policy')).length).toBeGreaterThan(2);
    await page.context().close();
  });

  test('an address that looks like a scheme is a file all the same', async () => {
    const { page } = await openHtml(
      browser,
      htmlIndex([forReport(run)], () => 'javascript:window.owned=1'),
    );
    const href = await page.evaluate<string>(`document.querySelector('#runs a').href`);
    expect(href).toMatch(/^file:\/\/\/.*\/javascript:window\.owned=1$/);
    await page.context().close();
  });
});

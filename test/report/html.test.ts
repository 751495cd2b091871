import type { Browser } from 'playwright-core';
import { forReport } from '../../src/report/for-report';
import { htmlReport } from '../../src/report/html';
import type { RunResult } from '../../src/verdict/run-result';
import { recorded } from '../catalogue';
import {
  axeFindings,
  DESKTOP,
  openFolds,
  openHtml,
  PHONE,
  tabTo,
  tooWide,
  type OpenPage,
} from './html-browser';
import { describeInChromium } from './chromium';

// The HTML report of real runs, in a real Chromium.

const SCENARIOS = ['passive-nat', 'active-nat', 'active-nat-helper', 't3-active-helper', 't5-exposure'];
const NODES_BEFORE_FOLDS = 8000;

let browser: Browser;
let all: readonly RunResult[];

describeInChromium('the HTML report, in a browser', (running) => {
  beforeAll(async () => {
    browser = running();
    all = await recorded(SCENARIOS);
  });

  function runOf(scenario: string): RunResult {
    const found = all.find((run) => run.scenario === scenario);
    if (!found) throw new Error(`no run of ${scenario}`);
    return found;
  }

  /** A run with its events over and over, each with an id of its own. */
  function enlarged(run: RunResult, amount: number): RunResult {
    const events = Array.from({ length: amount }, (_, index) => {
      const event = run.events[index % run.events.length];
      if (!event) throw new Error('the run has no events');
      return { ...event, id: `e${index + 1}`, at: index / 1000 };
    });
    return { ...run, events };
  }

  describe.each(SCENARIOS)('the report of %s', (scenario) => {
    // A page costs a second to open, and none of these changes it but for its folds.
    let open: OpenPage;
    beforeAll(async () => {
      open = await openHtml(browser, htmlReport(forReport(runOf(scenario))));
    });
    afterAll(() => open.page.context().close());

    test('the style of the page leaves its drawing alone', async () => {
      const { page } = open;
      const meddling = await page.evaluate<string[]>(`
      [...document.styleSheets[0].cssRules]
        .flatMap((rule) => [rule, ...(rule.cssRules ?? [])])
        .map(({ selectorText }) => selectorText)
        .filter((selector) => selector && !selector.startsWith('*'))
        .filter((selector) => [...document.querySelectorAll('.drawing svg *')]
          .some((element) => element.matches(selector)))`);
      expect(await page.locator('.drawing svg *').count()).toBeGreaterThan(20);
      expect(meddling).toEqual([]);
    });

    test('fits desktop and phone, folded and unfolded, and fetches nothing', async () => {
      const { page, requests, complaints } = open;
      for (const viewport of [DESKTOP, PHONE]) {
        await page.setViewportSize(viewport);
        expect([viewport, await tooWide(page)]).toEqual([viewport, []]);
      }
      await openFolds(page);
      for (const viewport of [PHONE, DESKTOP]) {
        await page.setViewportSize(viewport);
        expect([viewport, await tooWide(page)]).toEqual([viewport, []]);
      }
      expect(requests).toEqual([]);
      expect(complaints).toEqual([]);
    });

    test('says all that the result says', async () => {
      const run = runOf(scenario);
      const { page } = open;
      await openFolds(page);
      const text = await page.evaluate<string>('document.body.textContent');
      const said = [
        ...[run.title, run.claim, `Linux ${run.kernel}`],
        ...run.expectations.flatMap((one) => [one.text, one.why.slice(0, 250)]),
        ...run.diagnosis.flatMap((cause) => [cause.code, cause.text, cause.remedy]),
        ...run.claims.flatMap((claim) => [claim.id, claim.verdict, claim.text]),
        ...run.claims.flatMap(({ checks }) => checks.map((check) => check.text)),
        ...run.rules.map((rule) => rule.text),
        ...run.transfers.flatMap(({ error }) => error ?? []),
        ...run.probes.map(({ name }) => name),
        ...run.events.map((event) => event.text.slice(0, 250)),
      ];
      expect(said.filter((sentence) => !text.includes(sentence))).toEqual([]);
    });
  });

  /** Between them they have every part: one that works, one that is blocked by a rule, one of probes. */
  test.each(['active-nat-helper', 't3-active-helper', 't5-exposure'])(
    'the report of %s is accessible, light and dark',
    async (scenario) => {
      const { page } = await openHtml(browser, htmlReport(forReport(runOf(scenario))));
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([colorScheme, await axeFindings(page)]).toEqual([colorScheme, []]);
      }
      await page.context().close();
    },
  );

  test('everything unfolded is accessible, light and dark, on a phone too', async () => {
    const { page } = await openHtml(browser, htmlReport(forReport(runOf('t5-exposure'))));
    await openFolds(page);
    for (const [colorScheme, viewport] of [
      ['light', DESKTOP],
      ['dark', DESKTOP],
      ['dark', PHONE],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      expect([colorScheme, viewport, await axeFindings(page)]).toEqual([colorScheme, viewport, []]);
    }
    await page.context().close();
  });

  test('the same run is drawn the same, twice', () => {
    expect(htmlReport(forReport(runOf('active-nat')))).toBe(htmlReport(forReport(runOf('active-nat'))));
  });

  test('headings go down one step at a time, and every table has a name and scopes', async () => {
    const { page } = await openHtml(browser, htmlReport(forReport(runOf('t3-active-helper'))));
    const levels = await page.evaluate<number[]>(
      `[...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]))`,
    );
    expect(levels[0]).toBe(1);
    expect(levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1)).toEqual([]);
    expect(await page.locator('table:not(:has(caption))').count()).toBe(0);
    expect(await page.locator('th:not([scope])').count()).toBe(0);
    for (const landmark of ['banner', 'navigation', 'main', 'contentinfo'] as const) {
      expect(await page.getByRole(landmark).count()).toBe(1);
    }
    await page.context().close();
  });

  test('rules stand with their counters, and the row that decided stands out', async () => {
    const run = runOf('t3-active-helper');
    const { page } = await openHtml(browser, htmlReport(forReport(run)));
    const rows = await page.evaluate<string[][]>(
      `[...document.querySelectorAll('#rules tbody tr')]
      .map((row) => [...row.cells].slice(0, 2).map((cell) => cell.textContent))`,
    );
    expect(rows).toEqual(run.rules.map(({ row, packets }) => [String(row), String(packets)]));
    const decided = page.locator('#rules tr.decided');
    expect(await decided.count()).toBe(1);
    expect(await decided.innerText()).toMatch(/^3\b[^]*decided[^]*stopped 1 packet\b/);
    await page.context().close();
  });

  test('of thousands of rules, those that counted nothing are folded', async () => {
    const run = runOf('t3-active-helper');
    const many = Array.from({ length: 4000 }, (_, index) => ({
      row: index + 10,
      text: `deny tcp any - network ${index + 1} input`,
      packets: 0,
      bytes: 0,
    }));
    const { page } = await openHtml(
      browser,
      htmlReport(forReport({ ...run, rules: [...run.rules, ...many] })),
    );
    // Rows 1, 3 and 4 counted; the policy is always said.
    expect(await page.locator('#rules tr:visible th[scope=row]').allInnerTexts()).toEqual([
      '1',
      '3',
      '4',
      'policy',
    ]);
    expect(await page.locator('#rules summary:visible').innerText()).toBe('4,002 rows that counted nothing');
    await openFolds(page);
    expect(await page.locator('#rules tbody tr').count()).toBe(4006);
    await page.context().close();
  });

  describe('the timeline', () => {
    test('is filtered by place, kind and text, with the keyboard alone', async () => {
      const run = runOf('active-nat-helper');
      const { page } = await openHtml(browser, htmlReport(forReport(run)));
      const said = page.locator('#timeline output');
      const shown = page.locator('#timeline tr[data-row]:visible');
      const total = run.events.length;
      expect(await shown.count()).toBe(0);

      await tabTo(page, '#timeline input[value="firewall outside"]');
      await page.keyboard.press('Space');
      const outside = run.events.filter(({ vantage }) => vantage === 'firewall outside');
      expect(await said.innerText()).toBe(`${outside.length} of ${total} shown`);
      expect(await shown.count()).toBe(outside.length);

      await tabTo(page, '#timeline input[value="packet"]');
      await page.keyboard.press('Space');
      await tabTo(page, '#timeline input[type=search]');
      await page.keyboard.type('port 203,0,113,1,');
      const rewritten = outside.filter((event) => event.text.includes('PORT 203,0,113,1,'));
      expect(rewritten).toHaveLength(2);
      expect(await shown.locator('th').allInnerTexts()).toEqual(rewritten.map(({ id }) => id));

      await tabTo(page, '#timeline button');
      await page.keyboard.press('Enter');
      expect(await said.innerText()).toBe(`${total} of ${total} shown`);
      expect(await shown.count()).toBe(total);
      await page.context().close();
    });

    test('a reference leads to its event, folded away and filtered out as it may be', async () => {
      const run = runOf('t3-active-helper');
      const cited = run.diagnosis[0]?.events[0] ?? '';
      const { page } = await openHtml(browser, htmlReport(forReport(run)));
      await page.locator('#timeline input[value="lab"]').check();
      expect(await page.locator(`#event-${cited}`).isVisible()).toBe(false);
      await tabTo(page, `#cause a[href="#event-${cited}"]`);
      await page.keyboard.press('Enter');
      await page.locator(`#event-${cited}:focus`).waitFor();
      expect(await page.locator('tr.here').getAttribute('id')).toBe(`event-${cited}`);
      await page.context().close();
    });

    test('of 10,000 events opens with few nodes, and fills fold by fold', async () => {
      const run = enlarged(runOf('passive-nat'), 10_000);
      const { page, complaints } = await openHtml(browser, htmlReport(forReport(run)));
      const rows = page.locator('#timeline tr[data-row]');
      expect(await page.evaluate<number>(`document.querySelectorAll('*').length`)).toBeLessThan(
        NODES_BEFORE_FOLDS,
      );
      expect(await rows.count()).toBe(250);
      const folds = page.locator('#timeline details');
      expect(await folds.count()).toBe(40);
      await folds.last().locator('summary').focus();
      await page.keyboard.press('Enter');
      await page.locator('#event-e10000').waitFor();
      expect(await rows.count()).toBe(500);

      // Filters reach into folds that were never opened, and open the first that has something.
      await page.locator('#timeline input[type=search]').fill('row 2: iifname');
      const matching = run.events.filter((event) => event.text.startsWith('row 2: iifname')).length;
      expect(await page.locator('#timeline output').innerText()).toBe(`${matching} of 10,000 shown`);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    test('of 10,000 events opens at an event that a link from elsewhere names', async () => {
      const run = enlarged(runOf('passive-nat'), 10_000);
      const { page } = await openHtml(browser, htmlReport(forReport(run)), { anchor: '#event-e7777' });
      await page.locator('#event-e7777:focus').waitFor();
      await page.context().close();
    });

    test('is there without scripts, but for its filters', async () => {
      const run = enlarged(runOf('passive-nat'), 1000);
      const { page } = await openHtml(browser, htmlReport(forReport(run)), { javaScriptEnabled: false });
      expect(await page.locator('.filters').isVisible()).toBe(false);
      await page.locator('#timeline summary').first().click();
      expect(await page.locator('#timeline tr[data-row]:visible').count()).toBe(250);
      expect(await page.locator('#timeline noscript').innerText()).toContain('only the first 250');
      await page.context().close();
    });
  });

  describe('the dialogue', () => {
    const cells = (row: string): string => `#dialogue tr.${row} td`;

    test('shows a rewritten PORT at both ends, with what was changed', async () => {
      const { page } = await openHtml(browser, htmlReport(forReport(runOf('active-nat-helper'))));
      const marked = await page.locator('#dialogue tr.changed').first().locator('td mark').allInnerTexts();
      expect(marked).toEqual(['10,0,0,10', '203,0,113,1']);
      expect(await page.locator(cells('changed')).nth(1).innerText()).toContain('changed on the way');
      await page.context().close();
    });

    test('shows a reply that never arrived', async () => {
      const run = runOf('passive-nat');
      const lost = run.events.find(
        (event) => event.kind === 'ftp-line' && event.vantage === 'client' && event.line.startsWith('226'),
      );
      const events = run.events.filter((event) => event !== lost);
      const { page } = await openHtml(browser, htmlReport(forReport({ ...run, events })));
      const [client, server] = await page.locator(cells('lost')).allInnerTexts();
      expect(client).toContain('never arrived');
      expect(server).toContain('226 file-1.bin');
      expect(await page.locator('#dialogue .note').innerText()).toContain('1 line never arrived');
      await page.context().close();
    });
  });

  test('on paper it is light, without what only works on a screen', async () => {
    const { page } = await openHtml(browser, htmlReport(forReport(runOf('t3-active-helper'))), {
      colorScheme: 'dark',
    });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate(`getComputedStyle(document.body).backgroundColor`)).toBe('rgb(255, 255, 255)');
    for (const part of ['nav', '.filters']) expect(await page.locator(part).isVisible()).toBe(false);
    expect(await page.evaluate(`getComputedStyle(document.querySelector('.scroll')).overflowX`)).toBe(
      'visible',
    );
    await page.context().close();
  });
});

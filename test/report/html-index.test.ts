import type { Browser, Page } from 'playwright-core';
import { forReport } from '../../src/report/for-report';
import { htmlIndex } from '../../src/report/html';
import type { RunResult } from '../../src/verdict/run-result';
import { recorded } from '../catalogue';
import { axeFindings, DESKTOP, openHtml, PHONE, tabTo, tooWide } from './html-browser';
import { describeInChromium } from './chromium';

// The index of a suite of real runs, in a real Chromium.

let browser: Browser;
let all: readonly RunResult[];

describeInChromium('the index of a suite, in a browser', (running) => {
  beforeAll(async () => {
    browser = running();
    const real = await recorded(['passive-nat', 'active-nat', 't3-active-helper']);
    const [passive] = real;
    if (!passive) throw new Error('no run');
    const broken = passive.expectations.map((one) => ({ ...one, held: false }));
    all = [
      ...real,
      {
        ...passive,
        scenario: 'broken',
        outcome: 'fail',
        reason: 'download is complete',
        expectations: broken,
      },
      {
        ...passive,
        scenario: 'nowhere',
        outcome: 'skipped',
        reason: 'nft is missing',
        expectations: [],
        claims: [],
      },
    ];
  });

  const hrefOf = (run: RunResult): string | null =>
    run.outcome === 'skipped' ? null : `runs/${run.scenario}.html`;

  function shown(page: Page): Promise<string[]> {
    return page.evaluate<string[]>(
      `[...document.querySelectorAll('#runs tr[data-row]:not([hidden]) th')].map((cell) => cell.firstChild.textContent)`,
    );
  }

  test.each([
    ['desktop', DESKTOP, 'light'],
    ['phone', PHONE, 'dark'],
  ] as const)('fits a %s, fetches nothing and is accessible', async (_device, viewport, colorScheme) => {
    const { page, requests, complaints } = await openHtml(browser, htmlIndex(all.map(forReport), hrefOf), {
      viewport,
      colorScheme,
    });
    expect(await tooWide(page)).toEqual([]);
    expect(await axeFindings(page)).toEqual([]);
    expect(requests).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('has a row for each run, with a link where it has a page', async () => {
    const { page } = await openHtml(browser, htmlIndex(all.map(forReport), hrefOf));
    expect(await shown(page)).toEqual(all.map(({ scenario }) => scenario));
    const links = await page.evaluate<string[]>(
      `[...document.querySelectorAll('#runs a')].map((link) => link.getAttribute('href'))`,
    );
    expect(links).toEqual(all.flatMap((run) => hrefOf(run) ?? []).map((href) => `./${href}`));
    const text = await page.locator('#runs').innerText();
    for (const said of ['nft is missing', 'blocked: expectation-filtered', '7 of 7', '0 of 7'])
      expect(text).toContain(said);
    await page.context().close();
  });

  test('is filtered by outcome, claim and text, with the keyboard alone', async () => {
    const { page } = await openHtml(browser, htmlIndex(all.map(forReport), hrefOf));
    await tabTo(page, 'input[value="fail"]');
    await page.keyboard.press('Space');
    expect(await shown(page)).toEqual(['broken']);
    await tabTo(page, 'button');
    await page.keyboard.press('Enter');
    expect(await shown(page)).toHaveLength(all.length);

    await tabTo(page, 'select');
    await page.keyboard.type('C50');
    expect(await shown(page)).toEqual(['t3-active-helper']);
    await tabTo(page, 'button');
    await page.keyboard.press('Enter');

    await tabTo(page, 'input[type=search]');
    await page.keyboard.type('INSIDE-ADDRESS');
    expect(await shown(page)).toEqual(['active-nat']);
    expect(await page.locator('output').innerText()).toBe(`1 of ${all.length} shown`);
    await page.context().close();
  });

  test('of no runs at all is a page all the same', async () => {
    const { page, complaints } = await openHtml(browser, htmlIndex([], hrefOf));
    expect(await page.locator('h1').innerText()).toBe('0 runs of the FTP firewall lab');
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

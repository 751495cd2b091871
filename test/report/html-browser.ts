import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { scratch } from '../support';

// Pages are opened in a real Chromium, as files, as people open them.

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** A page of a report, and what went on in it that should not. */
export interface OpenPage {
  readonly page: Page;
  /** every URL asked for besides the page's own file */
  readonly requests: string[];
  /** errors, warnings and dialogs */
  readonly complaints: string[];
}

/** Opens HTML as a file, and lets nothing out. */
export async function openHtml(
  browser: Browser,
  html: string,
  options: BrowserContextOptions & { anchor?: string } = {},
): Promise<OpenPage> {
  const { anchor = '', ...contextOptions } = options;
  const file = join(scratch(), 'page.html');
  writeFileSync(file, html);
  const context = await browser.newContext({ viewport: DESKTOP, ...contextOptions });
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  await context.route('**/*', async (route) => {
    const url = route.request().url();
    if (url.split('#')[0] === `file://${file}`) return route.continue();
    requests.push(url);
    return route.abort();
  });
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(`file://${file}${anchor}`);
  return { page, requests, complaints };
}

/** What axe finds wrong, with the elements; nothing is excused. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  // What passes is not described, which saves time; every rule is run all the same.
  const { violations } = await page.evaluate<axe.AxeResults>(`axe.run({ resultTypes: ['violations'] })`);
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map((node) => `${node.html.slice(0, 120)} (${node.failureSummary ?? ''})`)
        .join(' | ')}`,
  );
}

/** Elements that reach beyond the window; what scrolls inside a part of its own does not count. */
export function tooWide(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`
    [...document.querySelectorAll('body, body *')]
      .filter((element) => !element.parentElement.closest('.scroll'))
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .map((element) => element.outerHTML.slice(0, 120))
      .concat(document.documentElement.scrollWidth > innerWidth ? ['the page scrolls sideways'] : [])`);
}

/** Opens every fold there is. */
export async function openFolds(page: Page): Promise<void> {
  await page.evaluate(`for (const fold of document.querySelectorAll('details')) fold.open = true`);
  // Folds fill in an event that follows.
  await page.waitForFunction(`!document.querySelector('details[open] template')`);
}

/** Presses Tab until an element has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 600; presses += 1) {
    await page.keyboard.press('Tab');
    const there = await page.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`);
    if (there) return;
  }
  throw new Error(`Tab never reaches ${selector}`);
}

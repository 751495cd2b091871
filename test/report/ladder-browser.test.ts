import type { Browser } from 'playwright-core';
import { forReport } from '../../src/report/for-report';
import { ladderSvg } from '../../src/report/ladder';
import { recorded } from '../catalogue';
import { runs, scenarioWith } from '../support';
import { describeInChromium } from './chromium';
import { EXPIRY } from './ladder-cases';

// Real Chromium, with its own fonts: what is drawn over what, and whether anything leaves the picture.

const pictures = new Map<string, string>();

interface Looked {
  readonly overlaps: string[];
  readonly outside: string[];
  readonly scrolls: boolean;
  readonly texts: number;
  readonly ink: string;
  readonly paper: string;
}

async function look(
  browser: Browser,
  svg: string,
  width: number,
  colorScheme: 'light' | 'dark',
): Promise<Looked> {
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(request.url()));
  try {
    await page.setContent(`<!doctype html><body style="margin:8px">${svg}</body>`);
    const looked = await page.evaluate<Looked>(LOOK);
    expect(fetched).toEqual([]);
    return looked;
  } finally {
    await page.close();
  }
}

/** Runs in the page; as text, for the page's types are not the tests'. */
const LOOK = `(() => {
  const svg = document.querySelector('svg');
  const whole = svg.getBoundingClientRect();
  // Half a pixel at full size is rounding.
  const slack = 0.5 * whole.width / 760;
  const texts = [...svg.querySelectorAll('text')].map((element) => ({
    text: element.textContent, box: element.getBoundingClientRect(),
  }));
  const over = (a, b) => a.left < b.right - slack && b.left < a.right - slack && a.top < b.bottom - slack && b.top < a.bottom - slack;
  return {
    overlaps: texts.flatMap((a, index) => texts.slice(index + 1).filter((b) => over(a.box, b.box)).map((b) => a.text + ' / ' + b.text)),
    outside: texts.filter(({ box }) => box.left < whole.left || box.right > whole.right || box.top < whole.top || box.bottom > whole.bottom).map(({ text }) => text),
    scrolls: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    texts: texts.length,
    ink: getComputedStyle(svg.querySelector('text.label')).fill,
    paper: getComputedStyle(svg.querySelector('.paper')).fill,
  };
})()`;

describeInChromium('ladders in a browser', (browser) => {
  beforeAll(async () => {
    const [named, made] = await Promise.all([
      recorded(['active-nat-helper', 't3-active-helper', 't1-exposure', 'server-nat-helper-passive']),
      runs([scenarioWith(EXPIRY)]),
    ]);
    for (const run of [...named, ...made.runs]) pictures.set(run.scenario, ladderSvg(forReport(run)));
    expect(pictures.size).toBe(5);
  });

  test.each(['active-nat-helper', 't3-active-helper', 't1-exposure', 'server-nat-helper-passive', 'case'])(
    '%s: no text over another and none outside, on a desk and on a phone, by day and by night',
    async (name) => {
      const svg = pictures.get(name) ?? '';
      for (const width of [1280, 390]) {
        for (const scheme of ['light', 'dark'] as const) {
          const looked = await look(browser(), svg, width, scheme);
          expect({ width, scheme, ...looked }).toMatchObject({ overlaps: [], outside: [], scrolls: false });
          expect(looked.texts).toBeGreaterThan(15);
          expect([looked.ink, looked.paper]).toEqual(
            scheme === 'light'
              ? ['rgb(27, 31, 36)', 'rgb(255, 255, 255)']
              : ['rgb(230, 234, 239)', 'rgb(18, 22, 28)'],
          );
        }
      }
    },
  );

  test('two pictures on one page do not touch each other or the page', async () => {
    const page = await browser().newPage({ viewport: { width: 1280, height: 800 } });
    try {
      const two = [...pictures.values()].slice(0, 2).join('');
      await page.setContent(
        `<!doctype html><body><p class="label" style="font-size:20px">page</p>${two}</body>`,
      );
      const size = await page.evaluate<string>(`getComputedStyle(document.querySelector('p')).fontFamily`);
      expect(size).not.toMatch(/mono/i);
    } finally {
      await page.close();
    }
  });

  test('in print there is black on white, and strokes still tell control from data', async () => {
    const page = await browser().newPage({ viewport: { width: 800, height: 800 }, colorScheme: 'dark' });
    try {
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      await page.setContent(`<!doctype html><body>${pictures.get('active-nat-helper') ?? ''}</body>`);
      const strokes = await page.evaluate<string[][]>(
        `['control', 'data'].map((name) => { const look = getComputedStyle(document.querySelector('line.arrow.' + name + ':not(.through):not(.bulk)')); return [look.stroke, look.strokeDasharray]; })`,
      );
      expect(strokes).toEqual([
        ['rgb(0, 0, 0)', 'none'],
        ['rgb(0, 0, 0)', '7px, 3px'],
      ]);
    } finally {
      await page.close();
    }
  });
});

import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { describeWhere } from '../docker/engine';

const CHROMIUM = process.env['LAB_CHROMIUM'] ?? '/usr/bin/chromium';

/**
 * Tests that look at reports in real Chromium. Where there is none they are skipped, with the reason and
 * what to do; CI installs it, and counts each skip as a failure.
 *
 * @param tests are given the browser, once it runs
 */
export function describeInChromium(name: string, tests: (browser: () => Browser) => void): void {
  const missing = existsSync(CHROMIUM)
    ? undefined
    : `no Chromium at ${CHROMIUM}; install it (Debian: apt-get install -y chromium) or name one in LAB_CHROMIUM`;
  describeWhere(missing, name, () => {
    let running: Browser | undefined;
    beforeAll(async () => {
      // Root may not use Chromium's own sandbox.
      running = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    });
    afterAll(() => running?.close());
    tests(() => {
      if (!running) throw new Error('the browser is not running yet');
      return running;
    });
  });
}

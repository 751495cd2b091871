import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findScenario, scenarioNames } from '../../src/scenario/catalogue';
import { loadScenario } from '../../src/scenario/load';
import { sessionSeconds } from '../../src/plan/scale-time';
import type { RunResult } from '../../src/verdict/run-result';
import { comparable, longRuns } from '../agreement';
import { ROOT } from '../support';

// The scenarios of time with nothing scaled, and scaled: about 20 minutes, for all run at once and sleep.
// LAB_LONGEST=9000 takes those of two hours, too. Figures go to lab-results/real-time.md.

const LONGEST = Number(process.env['LAB_LONGEST'] ?? 25 * 60);
const DIRECTORY = join(ROOT, 'scenarios');
const NAMES = scenarioNames(DIRECTORY).filter((name) => {
  const scenario = loadScenario(findScenario(DIRECTORY, name));
  const seconds = sessionSeconds(scenario);
  return scenario.tags.includes('time') && seconds > 30 && seconds <= LONGEST;
});

let real: readonly RunResult[];
let scaled: readonly RunResult[];
const took = { real: 0, scaled: 0 };

beforeAll(
  async () => {
    const timed = async (how: 'real' | 'scaled', ...args: string[]): Promise<readonly RunResult[]> => {
      const began = performance.now();
      const done = await longRuns(...NAMES, ...args);
      took[how] = (performance.now() - began) / 1000;
      return done;
    };
    scaled = await timed('scaled');
    real = await timed('real', '--real-time', '--jobs', String(NAMES.length));
  },
  (2 * LONGEST + 600) * 1000,
);

function pair(name: string): readonly [RunResult, RunResult] {
  const [one, other] = [real, scaled].map((all) => all.find(({ scenario }) => scenario === name));
  if (!one || !other) throw new Error(`${name} did not run`);
  return [one, other];
}

test.each(NAMES)('%s: real and scaled agree on every check', (name) => {
  const [one, other] = pair(name);
  expect(one.timeScale).toBe(1);
  expect(other.timeScale).toBeGreaterThan(1);
  expect(comparable(other)).toEqual(comparable(one));
});

afterAll(() => {
  const rows = NAMES.map((name) => {
    const [one, other] = pair(name);
    const expired = (run: RunResult): string =>
      run.control.expiredAtSeconds === null ? 'no' : `${run.control.expiredAtSeconds.toFixed(1)} s`;
    const agreed = JSON.stringify(comparable(one)) === JSON.stringify(comparable(other)) ? 'yes' : 'NO';
    const checks =
      one.expectations.length + one.claims.reduce((sum, { checks: list }) => sum + list.length, 0);
    const seconds = (run: RunResult): string => run.durationSeconds.toFixed(1);
    const cells = [name, seconds(one), seconds(other), `×${other.timeScale}`, expired(one), expired(other)];
    return `| ${[...cells, String(checks), agreed].join(' | ')} |`;
  });
  const head = [
    `Real ${took.real.toFixed(0)} s, scaled ${took.scaled.toFixed(0)} s, all of them side by side.`,
    '',
    '| scenario | real, s | scaled, s | scale | expired, real | expired, scaled | checks | agree |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
  ];
  mkdirSync(join(ROOT, 'lab-results'), { recursive: true });
  writeFileSync(join(ROOT, 'lab-results', 'real-time.md'), `${[...head, ...rows].join('\n')}\n`);
});

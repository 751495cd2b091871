import { join } from 'node:path';
import { findScenario, scenarioNames } from '../../src/scenario/catalogue';
import { loadScenario } from '../../src/scenario/load';
import type { RunResult } from '../../src/verdict/run-result';
import { comparable, longRuns } from '../agreement';
import { ALL_SECONDS, ROOT, allRuns } from '../support';
import { describeTimewarp } from './kernel';

// The scenarios of time, at their true values and scaled: two kernels, and two ways to let time pass.

const DIRECTORY = join(ROOT, 'scenarios');
const NAMES = scenarioNames(DIRECTORY).filter((name) =>
  loadScenario(findScenario(DIRECTORY, name)).tags.includes('time'),
);

const byName = (runs: readonly RunResult[]): ReadonlyMap<string, RunResult> =>
  new Map(runs.map((run) => [run.scenario, run]));

describeTimewarp('scenarios of time', () => {
  let scaled: ReadonlyMap<string, RunResult>;
  let virtual: ReadonlyMap<string, RunResult>;
  beforeAll(
    async () => {
      scaled = byName((await allRuns()).runs);
      // A machine keeps one processor busy, and nothing in it waits.
      virtual = byName(await longRuns('-q', ...NAMES, '--engine', 'timewarp', '--jobs', '2'));
    },
    2 * ALL_SECONDS * 1000,
  );

  test.each(NAMES)('%s: virtual and scaled time agree on every check', (name) => {
    const [one, other] = [virtual.get(name), scaled.get(name)];
    if (!one || !other) throw new Error(`${name} did not run`);
    expect({ timeScale: one.timeScale, virtualTime: one.virtualTime }).toEqual({
      timeScale: 1,
      virtualTime: true,
    });
    expect(comparable(one)).toEqual(comparable(other));
  });
});

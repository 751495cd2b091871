import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { SCENARIO_DIRECTORY } from '../paths';
import { sessionSeconds, timeScale, type TimeScaleChoice } from '../plan/scale-time';
import { checkRules, runScenario, type EngineChoice, type RunOptions } from '../run';
import type { Scenario } from '../scenario';
import type { RunResult } from '../verdict/run-result';
import { BatchProgress } from './batch-progress';
import { EXIT } from './exit-codes';
import { say } from './print';
import type { Progress } from './terminal';

/** Flags of every command that runs scenarios. */
export interface ManyFlags {
  readonly keep?: true;
  readonly quiet?: true;
  readonly capture: boolean;
  readonly allPorts?: true;
  readonly engine: EngineChoice;
  readonly results: string;
  readonly jobs?: number;
  /** seconds */
  readonly stalledAfter: number;
  readonly timeScale?: number;
  readonly realTime?: true;
}

/** What the flags say of time. */
export function timeScaleOf(flags: Pick<ManyFlags, 'timeScale' | 'realTime'>): TimeScaleChoice {
  return flags.realTime ? 'real' : (flags.timeScale ?? 'auto');
}

/** Ends the runs under way; the signal handlers use it. */
export const abortable = new Set<() => Promise<void>>();

/**
 * Runs scenarios side by side; results keep their order.
 *
 * @throws whatever is no result of one run: MissingCapability, InputError, Interrupted
 */
export async function runMany(
  scenarios: readonly Scenario[],
  flags: ManyFlags,
  progress: Progress,
): Promise<RunResult[]> {
  // A scale that is too high for one of them starts none.
  const asked = timeScaleOf(flags);
  if (typeof asked === 'number') for (const scenario of scenarios) timeScale(scenario, asked);
  // Nor do wrong rules. Those that come with the lab are known to load.
  const own = scenarios.filter(({ file }) => dirname(resolve(file)) !== resolve(SCENARIO_DIRECTORY));
  if (scenarios.length > 1) await checkRules(own, flags);
  const batch = new BatchProgress(scenarios.length, progress);
  const run = async (scenario: Scenario): Promise<RunResult> => {
    const index = scenarios.indexOf(scenario);
    const result = await runOne(scenario, flags, {
      onProgress: (text) => {
        batch.news(index, `${scenario.name}: ${text}`);
      },
      onNote: (text) => {
        progress.clear();
        say(`${scenario.name}: ${text}`);
      },
    });
    batch.ended(index, scenario.name, result.outcome);
    return result;
  };
  if (flags.jobs !== undefined) return sideBySide(scenarios, flags.jobs, run);
  // Those that mostly sleep would keep the others waiting, so they have places of their own.
  const sleeps = (scenario: Scenario): boolean => sessionSeconds(scenario) > SLEEPING_SECONDS;
  const [sleepers, others] = [scenarios.filter(sleeps), scenarios.filter((one) => !sleeps(one))];
  const both = await Promise.all([
    sideBySide(sleepers, SLEEPERS * byDefault(), run),
    sideBySide(others, byDefault(), run),
  ]);
  const results = new Map([...sleepers, ...others].map((scenario, index) => [scenario, both.flat()[index]]));
  return scenarios.flatMap((scenario) => results.get(scenario) ?? []);
}

/** Seconds of the scenario's time that a session waits by its own account, above which it mostly sleeps. */
const SLEEPING_SECONDS = 30;
/** How many that sleep are run for each that does not. */
const SLEEPERS = 6;

/** Runs wait more than they work: for a packet that never comes, or for a program to start. */
function byDefault(): number {
  return 2 * availableParallelism();
}

/** What the outcomes of runs are for a shell. */
export function exitCode(runs: readonly RunResult[]): number {
  const some = (wanted: RunResult['outcome']): boolean => runs.some(({ outcome }) => outcome === wanted);
  if (some('infra-error')) return EXIT.labFailed;
  if (runs.length > 0 && runs.every(({ outcome }) => outcome === 'skipped')) return EXIT.cannotRun;
  return some('fail') ? EXIT.broken : EXIT.held;
}

/** One run. What this machine lacks for it ends the command. */
function runOne(
  scenario: Scenario,
  flags: ManyFlags,
  tell: Pick<RunOptions, 'onProgress' | 'onNote'>,
): Promise<RunResult> {
  let mine: (() => Promise<void>) | null = null;
  return runScenario(scenario, {
    capture: flags.capture,
    allPorts: flags.allPorts ?? false,
    engine: flags.engine,
    timeScale: timeScaleOf(flags),
    keep: flags.keep ?? false,
    results: flags.results,
    stalledAfter: flags.stalledAfter,
    ...tell,
    onAbortable: (abort) => {
      if (mine) abortable.delete(mine);
      mine = abort;
      if (abort) abortable.add(abort);
    },
  });
}

/** Runs up to `jobs` at a time; results keep the order of the inputs. */
async function sideBySide<A, B>(
  inputs: readonly A[],
  jobs: number,
  run: (input: A, index: number) => Promise<B>,
): Promise<B[]> {
  const results: B[] = [];
  const queue = inputs.entries();
  const worker = async (): Promise<void> => {
    for (const [index, input] of queue) results[index] = await run(input, index);
  };
  await Promise.all(Array.from({ length: Math.min(jobs, inputs.length) }, worker));
  return results;
}

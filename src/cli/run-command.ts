import { availableParallelism } from 'node:os';
import { MissingCapability } from '../engine/host';
import { SCENARIO_DIRECTORY } from '../paths';
import { jsonReport } from '../report/json';
import { terminalReport } from '../report/terminal';
import { runScenario, skipScenario, type EngineChoice } from '../run';
import { findScenario, scenarioNames } from '../scenario/catalogue';
import { loadScenario } from '../scenario/load';
import { inputError } from '../scenario/problem';
import type { Scenario } from '../scenario';
import type { RunResult } from '../verdict/run-result';
import { EXIT } from './exit-codes';
import { Progress, style } from './terminal';

export interface RunFlags {
  readonly json?: true;
  readonly all?: true;
  readonly keep?: true;
  readonly quiet?: true;
  readonly capture: boolean;
  readonly engine: EngineChoice;
  readonly results: string;
  readonly jobs?: number;
}

/** Ends the runs under way; the signal handlers use it. */
export const abortable = new Set<() => Promise<void>>();

/** `lab run`: runs scenarios side by side and reports each, in the order they were named. */
export async function runCommand(names: readonly string[], flags: RunFlags): Promise<number> {
  const chosen = flags.all ? scenarioNames(SCENARIO_DIRECTORY) : names;
  if (chosen.length === 0) {
    throw inputError('no scenario named; `lab list` shows them, `lab run --all` runs them all');
  }
  // All are read before any is run: bad input starts nothing.
  const scenarios = chosen.map((name) => loadScenario(findScenario(SCENARIO_DIRECTORY, name)));
  const progress = new Progress(process.stderr, flags.quiet ?? false);
  const runs = await sideBySide(scenarios, flags.jobs ?? availableParallelism(), (scenario) =>
    runOne(scenario, flags, progress),
  ).catch(async (error: unknown) => {
    progress.clear();
    // Whoever reads the document must not take its absence for anything else.
    if (flags.json && error instanceof MissingCapability) {
      const skips = scenarios.map((scenario) => skipScenario(scenario, flags.engine, error));
      process.stdout.write(jsonReport(await Promise.all(skips)));
    }
    throw error;
  });
  progress.clear();
  if (flags.json) {
    process.stdout.write(jsonReport(runs));
  } else {
    const look = style(process.stdout);
    process.stdout.write(runs.map((run) => terminalReport(run, look)).join('\n'));
    if (runs.length > 1) process.stdout.write(`\n${summaryLine(runs)}\n`);
  }
  if (runs.some(({ outcome }) => outcome === 'infra-error')) return EXIT.labFailed;
  return runs.some(({ outcome }) => outcome === 'fail') ? EXIT.broken : EXIT.held;
}

async function runOne(scenario: Scenario, flags: RunFlags, progress: Progress): Promise<RunResult> {
  let mine: (() => Promise<void>) | null = null;
  return runScenario(scenario, {
    capture: flags.capture,
    engine: flags.engine,
    keep: flags.keep ?? false,
    results: flags.results,
    onProgress: (text) => {
      progress.show(`${scenario.name}: ${text}`);
    },
    onNote: (text) => {
      progress.clear();
      process.stderr.write(`${scenario.name}: ${text}\n`);
    },
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
  run: (input: A) => Promise<B>,
): Promise<B[]> {
  const results: B[] = [];
  const queue = inputs.entries();
  const worker = async (): Promise<void> => {
    for (const [index, input] of queue) results[index] = await run(input);
  };
  await Promise.all(Array.from({ length: Math.min(jobs, inputs.length) }, worker));
  return results;
}

function summaryLine(runs: readonly RunResult[]): string {
  const count = (outcome: string): number => runs.filter((run) => run.outcome === outcome).length;
  return `${count('pass')} passed, ${count('fail')} failed, ${count('infra-error')} not judged because the lab failed`;
}

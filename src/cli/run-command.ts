import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { MissingCapability } from '../engine/host';
import { jsonReport } from '../report/json';
import { junitReport } from '../report/junit';
import { summaryLine, tableReport } from '../report/table';
import { terminalReport } from '../report/terminal';
import { runScenario, skipScenario, type EngineChoice } from '../run';
import { inputError } from '../scenario/problem';
import type { Scenario } from '../scenario';
import type { RunResult } from '../verdict/run-result';
import { chooseScenarios, type Choice } from './choose-scenarios';
import { EXIT } from './exit-codes';
import { Progress, style } from './terminal';

export interface RunFlags extends Choice {
  readonly json?: true;
  readonly junit?: string;
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
  const scenarios = chooseScenarios(names, flags);
  if (flags.junit !== undefined && !existsSync(dirname(flags.junit))) {
    throw inputError(`--junit ${flags.junit}: the folder ${dirname(flags.junit)} does not exist`);
  }
  const progress = new Progress(process.stderr, flags.quiet ?? false);
  const runs = await sideBySide(scenarios, flags.jobs ?? availableParallelism(), (scenario) =>
    runOne(scenario, flags, progress),
  ).catch(async (error: unknown) => {
    progress.clear();
    // Whoever reads the document must not take its absence for anything else.
    if (error instanceof MissingCapability) {
      const skips = scenarios.map((scenario) => skipScenario(scenario, flags.engine, error));
      writeDocuments(await Promise.all(skips), flags);
    }
    throw error;
  });
  progress.clear();
  writeDocuments(runs, flags);
  if (!flags.json) process.stdout.write(forPeople(runs, flags));
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

/** What machines read. */
function writeDocuments(runs: readonly RunResult[], flags: RunFlags): void {
  if (flags.json) process.stdout.write(jsonReport(runs));
  if (flags.junit !== undefined) writeFileSync(flags.junit, junitReport(runs));
}

/** Each run at length; of many chosen at once, those that did not pass, and a table of all. */
function forPeople(runs: readonly RunResult[], flags: RunFlags): string {
  const look = style(process.stdout);
  const many = flags.all ?? flags.tag !== undefined;
  if (runs.length === 0) return 'no scenario falls to this shard\n';
  const reports = runs
    .filter(({ outcome }) => !many || outcome !== 'pass')
    .map((run) => terminalReport(run, look));
  if (many) return [...reports, tableReport(runs, look)].join('\n');
  return [...reports, ...(runs.length > 1 ? [`${summaryLine(runs)}\n`] : [])].join('\n');
}

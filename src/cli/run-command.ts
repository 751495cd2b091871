import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MissingCapability } from '../engine/host';
import { jsonReport } from '../report/json';
import { junitReport } from '../report/junit';
import { summaryLine, tableReport } from '../report/table';
import { terminalReport } from '../report/terminal';
import { skipScenario } from '../run';
import { inputError } from '../scenario/problem';
import type { RunResult } from '../verdict/run-result';
import { chooseScenarios, type Choice } from './choose-scenarios';
import { exitCode, runMany, type ManyFlags } from './run-many';
import { Progress, style } from './terminal';

export interface RunFlags extends Choice, ManyFlags {
  readonly json?: true;
  readonly junit?: string;
}

/** `lab run`: runs scenarios side by side and reports each, in the order they were named. */
export async function runCommand(names: readonly string[], flags: RunFlags): Promise<number> {
  const scenarios = chooseScenarios(names, flags);
  if (flags.junit !== undefined && !existsSync(dirname(flags.junit))) {
    throw inputError(`--junit ${flags.junit}: the folder ${dirname(flags.junit)} does not exist`);
  }
  const progress = new Progress(process.stderr, flags.quiet ?? false);
  const runs = await runMany(scenarios, flags, progress).catch(async (error: unknown) => {
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
  return exitCode(runs);
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
    .filter(({ outcome }) => !many || outcome === 'fail' || outcome === 'infra-error')
    .map((run) => terminalReport(run, look));
  if (many) return [...reports, tableReport(runs, look)].join('\n');
  return [...reports, ...(runs.length > 1 ? [`${summaryLine(runs)}\n`] : [])].join('\n');
}

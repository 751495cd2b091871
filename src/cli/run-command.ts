import { MissingCapability } from '../engine/host';
import { forReport, type ReportRun } from '../report/for-report';
import { jsonReport } from '../report/json';
import { summaryLine, tableReport } from '../report/table';
import { terminalReport } from '../report/terminal';
import { skipScenario } from '../run';
import type { Scenario } from '../scenario';
import type { RunResult } from '../verdict/run-result';
import { chooseScenarios, type Choice } from './choose-scenarios';
import { tellGitHub } from './github';
import { checkReportFiles, writeReportFiles, type ReportFiles } from './report-files';
import { exitCode, runMany, timeScaleOf, type ManyFlags } from './run-many';
import { Progress, style } from './terminal';

export interface RunFlags extends Choice, ManyFlags, Omit<ReportFiles, 'svg'> {
  readonly json?: true;
}

/** `lab run`: runs scenarios side by side and reports each, in the order they were named. */
export async function runCommand(names: readonly string[], flags: RunFlags): Promise<number> {
  const scenarios = chooseScenarios(names, flags);
  checkReportFiles(flags);
  const progress = new Progress(process.stderr, flags.quiet ?? false);
  const runs = await runMany(scenarios, flags, progress).catch(async (error: unknown) => {
    progress.clear();
    // Whoever reads the document must not take its absence for anything else.
    if (error instanceof MissingCapability) {
      const skips = scenarios.map((scenario) =>
        skipScenario(scenario, flags.engine, timeScaleOf(flags), error),
      );
      writeDocuments(await Promise.all(skips), scenarios, flags);
    }
    throw error;
  });
  progress.clear();
  if (!flags.json) process.stdout.write(forPeople(runs.map(forReport), flags));
  writeDocuments(runs, scenarios, flags);
  return exitCode(runs);
}

/** What machines read, and files. */
function writeDocuments(runs: readonly RunResult[], scenarios: readonly Scenario[], flags: RunFlags): void {
  if (flags.json) process.stdout.write(jsonReport(runs));
  const files = scenarios.map(({ file }) => file);
  const shown = runs.map(forReport);
  tellGitHub(shown, files, flags.json ? process.stderr : process.stdout);
  writeReportFiles(shown, flags);
}

/** Each run at length; of many chosen at once, those that did not pass, and a table of all. */
function forPeople(runs: readonly ReportRun[], flags: RunFlags): string {
  const look = style(process.stdout);
  const many = flags.all ?? flags.tag !== undefined;
  if (runs.length === 0) return 'no scenario falls to this shard\n';
  const reports = runs
    .filter(({ outcome }) => !many || outcome === 'fail' || outcome === 'infra-error')
    .map((run) => terminalReport(run, look));
  if (many) return [...reports, tableReport(runs, look)].join('\n');
  return [...reports, ...(runs.length > 1 ? [`${summaryLine(runs)}\n`] : [])].join('\n');
}

import { appendFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { annotations, type Place } from '../report/annotations';
import type { ReportRun } from '../report/for-report';
import { markdownReport } from '../report/markdown';
import { expectationLines } from '../scenario/expectation-lines';
import { say } from './print';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Tells GitHub Actions, where the lab runs in one: annotations as lines of the log, and a section of the
 * job's summary. Elsewhere it does nothing.
 *
 * @param files each run's scenario file, in the same order
 *
 * @param log where annotations go: the runner reads both outputs, and a document on one of them stays alone
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function tellGitHub(
  runs: readonly ReportRun[],
  files: readonly string[],
  log: NodeJS.WritableStream,
  environment: Environment = process.env,
): void {
  if (environment['GITHUB_ACTIONS'] === 'true') {
    const workspace = environment['GITHUB_WORKSPACE'] ?? process.cwd();
    for (const line of annotations(runs, placesOf(runs, files, workspace))) log.write(`${line}\n`);
  }
  const summary = environment['GITHUB_STEP_SUMMARY'];
  if (summary === undefined || summary === '' || runs.length === 0) return;
  try {
    appendFileSync(summary, `${markdownReport(runs)}\n`);
  } catch (error) {
    // What it would have said is said in the log, too.
    const why = error instanceof Error ? error.message : String(error);
    say(`the job's summary (GITHUB_STEP_SUMMARY) can't be written: ${why}`);
  }
}

/** Where expectations stand, in paths as the repository has them. */
function placesOf(
  runs: readonly ReportRun[],
  files: readonly string[],
  workspace: string,
): (run: ReportRun, expectation: number | null) => Place | null {
  return (run, expectation) => {
    const file = files[runs.indexOf(run)];
    if (file === undefined) return null;
    const inside = relative(workspace, resolve(file));
    const shown = inside.startsWith('..') || isAbsolute(inside) ? resolve(file) : inside;
    return { file: shown, line: expectation === null ? null : lineOf(file, run, expectation) };
  };
}

function lineOf(file: string, run: ReportRun, expectation: number): number | null {
  try {
    return expectationLines(file, run.expectations.length)[expectation] ?? null;
  } catch {
    // The file was changed or taken away during the run; its name is still worth telling.
    return null;
  }
}

import { cut } from '../report/escape';
import { forReport, type ReportRun } from '../report/for-report';
import { jsonReport } from '../report/json';
import { readResults } from '../report/read-results';
import { summaryLine } from '../report/table';
import { terminalReport } from '../report/terminal';
import { inputError } from '../scenario/problem';
import type { RunResult } from '../verdict/run-result';
import { EXIT } from './exit-codes';
import { say } from './print';
import { checkReportFiles, writeReportFiles, type ReportFiles } from './report-files';
import { style } from './terminal';

export interface ReportFlags extends ReportFiles {
  readonly json?: true;
  readonly terminal?: true;
}

/**
 * `lab report`: draws saved results again, with no lab. Without a format named, as on the terminal.
 *
 * @param file a document, an evidence folder, or `-`
 *
 * @param wanted names of runs; none: all of them
 */
export function reportCommand(file: string, wanted: readonly string[], flags: ReportFlags): number {
  checkReportFiles(flags);
  const runs = choose(readResults(file), wanted);
  const shown = runs.map(forReport);
  const written = writeReportFiles(shown, flags);
  if (flags.json) process.stdout.write(jsonReport(runs));
  else if (flags.terminal || written.length === 0) process.stdout.write(forTerminal(shown));
  for (const name of written) say(`wrote ${name}`);
  return EXIT.held;
}

/** @throws InputError that names the runs there are */
function choose(runs: readonly RunResult[], wanted: readonly string[]): readonly RunResult[] {
  const names = runs.map(({ scenario }) => scenario);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const known = names.map((name) => cut(name, 80)).join(', ') || 'none';
    throw inputError(`no run of "${unknown}" in the document; there is ${known}`);
  }
  return wanted.length === 0 ? runs : runs.filter(({ scenario }) => wanted.includes(scenario));
}

function forTerminal(runs: readonly ReportRun[]): string {
  if (runs.length === 0) return 'the document holds no runs\n';
  const look = style(process.stdout);
  const reports = runs.map((run) => terminalReport(run, look));
  return [...reports, ...(runs.length > 1 ? [`${summaryLine(runs)}\n`] : [])].join('\n');
}

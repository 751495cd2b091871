import { cut } from './escape';
import type { ReportRun } from './for-report';
import type { Style } from './style';

const WORDS = { pass: 'pass', fail: 'FAIL', 'infra-error': 'LAB FAILED', skipped: 'skipped' } as const;

/** Many runs, a line each: outcome, name, expectations held, time, and why where it is not a pass. */
export function tableReport(runs: readonly ReportRun[], style: Style): string {
  const width = Math.max(...runs.map(({ scenario }) => scenario.length));
  const colour = { pass: style.green, fail: style.red, 'infra-error': style.yellow, skipped: style.yellow };
  const scaled = runs.some(({ timeScale }) => timeScale !== 1);
  const scaleWidth = ' '.repeat(Math.max(...runs.map(({ timeScale }) => `×${timeScale}`.length)));
  const rows = runs.map((run) => {
    const held = run.expectations.filter((expectation) => expectation.held).length;
    const of = `${held}/${run.expectations.length}`;
    const why = run.outcome === 'pass' ? causes(run) : cut(run.reason ?? '', 200);
    return [
      colour[run.outcome](WORDS[run.outcome].padEnd(10)),
      run.scenario.padEnd(width),
      of.padStart(5),
      `${run.durationSeconds.toFixed(2)} s`.padStart(8),
      ...(scaled ? [run.timeScale === 1 ? scaleWidth : `×${run.timeScale}`.padStart(scaleWidth.length)] : []),
      style.dim(why),
    ]
      .join('  ')
      .trimEnd();
  });
  return `${[...rows, '', summaryLine(runs)].join('\n')}\n`;
}

/** What a passing run found blocked, as it expected. */
export function causes(run: ReportRun): string {
  const codes = [...new Set(run.diagnosis.map(({ code }) => code))];
  return codes.length === 0 ? '' : cut(`blocked: ${codes.join(', ')}`);
}

export function summaryLine(runs: readonly ReportRun[]): string {
  const count = (outcome: string): number => runs.filter((run) => run.outcome === outcome).length;
  const skipped = count('skipped');
  return [
    `${count('pass')} passed, ${count('fail')} failed, ${count('infra-error')} not judged because the lab failed`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ');
}

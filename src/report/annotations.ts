import { cut, printable, splitLines } from './escape';
import type { ReportRun } from './for-report';

/** A place in a file of the repository, as GitHub shows it beside the code. */
export interface Place {
  readonly file: string;
  /** counted from 1; null when only the file is known */
  readonly line: number | null;
}

/** A line of a log is not shown whole beyond this. */
const MAX_MESSAGE = 2000;

/**
 * Runs as workflow commands that GitHub Actions shows beside the code: an error for each expectation that
 * did not hold, one for a run the lab failed in, a warning for a run that was skipped.
 *
 * @param placeOf where an expectation of a run stands, counted from 0; null asks for the scenario as a whole
 *
 * @returns lines to print; source: GitHub, "Workflow commands for GitHub Actions"
 */
export function annotations(
  runs: readonly ReportRun[],
  placeOf: (run: ReportRun, expectation: number | null) => Place | null,
): string[] {
  return runs.flatMap((run) => {
    if (run.outcome === 'infra-error') {
      const message = `The lab failed, which says nothing about FTP: ${run.reason ?? ''}`;
      return [command('error', placeOf(run, null), run.scenario, message)];
    }
    if (run.outcome === 'skipped') {
      return [command('warning', placeOf(run, null), `${run.scenario}: skipped`, run.reason ?? '')];
    }
    const causes = run.diagnosis.map(({ text, remedy }) => `${text}\nRemedy: ${remedy}`);
    return run.expectations.flatMap(({ text, held, why }, index) => {
      if (held) return [];
      const message = [`Seen: ${why}`, ...causes].join('\n');
      return [command('error', placeOf(run, index), `${run.scenario}: not “${text}”`, message)];
    });
  });
}

function command(level: 'error' | 'warning', place: Place | null, title: string, message: string): string {
  const properties = [
    ...(place === null ? [] : [`file=${property(printable(place.file))}`]),
    ...(typeof place?.line === 'number' ? [`line=${place.line}`] : []),
    `title=${property(title)}`,
  ];
  const lines = splitLines(message.slice(0, MAX_MESSAGE * 2));
  const data = lines.map((line) => escaped(cut(line, MAX_MESSAGE))).join('%0A');
  return `::${level} ${properties.join(',')}::${data}`;
}

/** What the runner's own library does to a message (actions/toolkit, core/src/command.ts). */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** As `escaped`, and what ends a property. */
function property(text: string): string {
  return escaped(cut(text)).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

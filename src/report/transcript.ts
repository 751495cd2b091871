import { cut } from './escape';
import type { ReportRun } from './for-report';

/** Every event of a run, one a line, in the order it was seen. */
export function transcript(run: ReportRun): string {
  const lines = run.events.map(
    (event) =>
      `${event.id.padStart(6)} ${event.at.toFixed(6).padStart(11)}  ${event.vantage.padEnd(16)}  ${cut(event.text)}`,
  );
  return `${lines.join('\n')}\n`;
}

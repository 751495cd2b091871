import type { VNode } from 'preact';
import type { ReportRun } from '../for-report';
import { PLAIN } from '../style';
import { timeStrip } from '../time-strip';
import { Scroll, Section } from './parts';

/** When packets set the timers of the connection table's entries, and when those ran out. */
export function TimersSection({ run }: { run: ReportRun }): VNode | null {
  const lines = timeStrip(run, PLAIN);
  if (lines.length === 0) return null;
  return (
    <Section id="timers" title={run.timeScale === 1 ? 'Timers' : 'Timers, in the scenario’s time'}>
      <Scroll label="Timers of the connection table’s entries">
        <pre>{lines.join('\n')}</pre>
      </Scroll>
    </Section>
  );
}

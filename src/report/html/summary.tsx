import type { ComponentChildren, VNode } from 'preact';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import { scaleText } from '../time-scale';
import { Badge, EventLinks, Mark, OUTCOMES, Section } from './parts';
import { clock, count, counted } from './words';

/** What was claimed, and what came of it. */
export function Head({ run }: { run: ReportRun }): VNode {
  const { word, tone } = OUTCOMES[run.outcome];
  return (
    <header class="head">
      <p class="scenario">{run.scenario}</p>
      <h1>{run.title}</h1>
      <p class="claim">{cut(run.claim, 600)}</p>
      <p class="outcome">
        <Badge tone={tone}>{word}</Badge> {outcomeText(run)}
      </p>
      <dl class="facts">
        <Fact name="Engine">
          {run.engine}
          {run.engineWhy === null ? '' : `, ${run.engineWhy}`}
        </Fact>
        <Fact name="Kernel">Linux {run.kernel}</Fact>
        <Fact name="Took">{run.durationSeconds.toFixed(2)} s</Fact>
        {run.timeScale === 1 ? null : <Fact name="Time">{cut(scaleText(run), 600)}</Fact>}
        <Fact name="Control connection">{controlText(run)}</Fact>
        <Fact name="Seen">{counted(run.events.length, 'event')}</Fact>
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function outcomeText(run: ReportRun): string {
  if (run.outcome === 'infra-error' || run.outcome === 'skipped') {
    return `${cut(run.reason ?? '', 600)} — this says nothing about FTP`;
  }
  const held = run.expectations.filter((expectation) => expectation.held).length;
  return `${count(held)} of ${counted(run.expectations.length, 'expectation')} held`;
}

function controlText({ control, events, timeScale }: ReportRun): string {
  if (!control.survived) {
    return control.expiredAtSeconds === null
      ? 'its entry expired'
      : `its entry expired at ${clock(control.expiredAtSeconds)} s${timeScale === 1 ? '' : ' of the scenario’s time'}`;
  }
  return events.some(({ kind }) => kind === 'control') ? 'lasted' : 'none was opened';
}

/** What the scenario expected, and whether it held. */
export function ExpectationsSection({ run }: { run: ReportRun }): VNode | null {
  if (run.expectations.length === 0) return null;
  return (
    <Section id="expectations" title="Expected">
      <ul class="checks">
        {run.expectations.map(({ text, held, why, events }) => (
          <li key={text}>
            <Mark held={held} />
            <div>
              <strong>{cut(text)}</strong>
              <span class="why">{cut(why, 600)}</span> <EventLinks ids={events} />
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

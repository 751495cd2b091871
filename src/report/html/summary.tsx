import type { ComponentChildren, VNode } from 'preact';
import type { RunResult } from '../../verdict/run-result';
import { printable } from '../escape';
import { scaleText } from '../time-scale';
import { Badge, EventLinks, Mark, OUTCOMES, Section } from './parts';
import { clock, count, counted } from './words';

/** What was claimed, and what came of it. */
export function Head({ run }: { run: RunResult }): VNode {
  const { word, tone } = OUTCOMES[run.outcome];
  return (
    <header class="head">
      <p class="scenario">{printable(run.scenario)}</p>
      <h1>{printable(run.title)}</h1>
      <p class="claim">{printable(run.claim, 600)}</p>
      <p class="outcome">
        <Badge tone={tone}>{word}</Badge> {outcomeText(run)}
      </p>
      <dl class="facts">
        <Fact name="Engine">
          {printable(run.engine)}
          {run.engineWhy === null ? '' : `, ${printable(run.engineWhy)}`}
        </Fact>
        <Fact name="Kernel">Linux {printable(run.kernel)}</Fact>
        <Fact name="Took">{run.durationSeconds.toFixed(2)} s</Fact>
        {run.timeScale === 1 ? null : <Fact name="Time">{printable(scaleText(run), 600)}</Fact>}
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

function outcomeText(run: RunResult): string {
  if (run.outcome === 'infra-error' || run.outcome === 'skipped') {
    return `${printable(run.reason ?? '', 600)} — this says nothing about FTP`;
  }
  const held = run.expectations.filter((expectation) => expectation.held).length;
  return `${count(held)} of ${counted(run.expectations.length, 'expectation')} held`;
}

function controlText({ control, events, timeScale }: RunResult): string {
  if (!control.survived) {
    return control.expiredAtSeconds === null
      ? 'its entry expired'
      : `its entry expired at ${clock(control.expiredAtSeconds)} s${timeScale === 1 ? '' : ' of the scenario’s time'}`;
  }
  return events.some(({ kind }) => kind === 'control') ? 'lasted' : 'none was opened';
}

/** What the scenario expected, and whether it held. */
export function ExpectationsSection({ run }: { run: RunResult }): VNode | null {
  if (run.expectations.length === 0) return null;
  return (
    <Section id="expectations" title="Expected">
      <ul class="checks">
        {run.expectations.map(({ text, held, why, events }) => (
          <li key={text}>
            <Mark held={held} />
            <div>
              <strong>{printable(text)}</strong>
              <span class="why">{printable(why, 600)}</span> <EventLinks ids={events} />
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

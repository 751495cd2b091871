import type { VNode } from 'preact';
import type { LabEvent } from '../../observe/event';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import { EventLinks, Section } from './parts';
import { clock } from './words';

/** Longer sentences than this are a peer's doing. */
const MAX_SENTENCE = 600;
/** Events shown for one cause; the rest is in the timeline. */
const MAX_EVENTS = 20;

/** Each cause, what it rests on, and what to change. */
export function DiagnosisSection({ run }: { run: ReportRun }): VNode | null {
  if (run.diagnosis.length === 0) return null;
  const byId = new Map(run.events.map((event) => [event.id, event]));
  return (
    <Section id="cause" title={run.outcome === 'pass' ? 'Why it was blocked' : 'Cause'}>
      {run.diagnosis.map((cause) => (
        <Cause key={`${cause.transfer} ${cause.code}`} cause={cause} byId={byId} />
      ))}
    </Section>
  );
}

function Cause(props: { cause: ReportRun['diagnosis'][number]; byId: ReadonlyMap<string, LabEvent> }): VNode {
  const { code, transfer, text, remedy, events } = props.cause;
  const seen = events.slice(0, MAX_EVENTS).flatMap((id) => props.byId.get(id) ?? []);
  return (
    <article class="cause">
      <h3>
        {transfer}: <code>{code}</code>
      </h3>
      <p>{cut(text, MAX_SENTENCE)}</p>
      {seen.length === 0 ? null : (
        <ol class="evidence" aria-label="What this rests on">
          {seen.map((event) => (
            <li key={event.id}>
              <span class="when">{clock(event.at)} s</span>
              <span class="where">{event.vantage}</span>
              <code>{cut(event.text)}</code>
              <EventLinks ids={[event.id]} />
            </li>
          ))}
        </ol>
      )}
      <p class="remedy">
        <strong>Remedy:</strong> {cut(remedy, MAX_SENTENCE)}
      </p>
    </article>
  );
}

import type { VNode } from 'preact';
import type { LabEvent } from '../../observe/event';
import { cut } from '../escape';
import { Chunks } from './chunks';
import { facetOptions, Filters } from './filters';
import { eventAnchor, Section } from './parts';
import { clock, kindName } from './words';

/** Every event of the run on one clock, in folds. */
export function TimelineSection({ events }: { events: readonly LabEvent[] }): VNode | null {
  if (events.length === 0) return null;
  return (
    <Section id="timeline" title="Timeline" note="Everything that was seen, on one clock.">
      <Filters
        label="Filter the timeline"
        of="timeline-events"
        facets={[
          { key: 'place', title: 'Seen at', options: facetOptions(events.map(({ vantage }) => vantage)) },
          {
            key: 'kind',
            title: 'What',
            options: facetOptions(
              events.map(({ kind }) => kind),
              kindName,
            ),
          },
        ]}
      />
      <div id="timeline-events">
        <Chunks
          rows={events}
          what="Events"
          head={<Head />}
          row={(event) => <EventRow key={event.id} event={event} />}
          about={(first, last) => `${clock(first.at)} to ${clock(last.at)} s`}
        />
      </div>
    </Section>
  );
}

function Head(): VNode {
  return (
    <tr>
      <th scope="col">Event</th>
      <th scope="col">Seconds</th>
      <th scope="col">Seen at</th>
      <th scope="col">In words</th>
    </tr>
  );
}

function EventRow({ event: { id, at, vantage, kind, text } }: { event: LabEvent }): VNode {
  return (
    <tr id={eventAnchor(id)} data-row data-place={vantage} data-kind={kind}>
      <th scope="row">{cut(id, 40)}</th>
      <td class="number">{clock(at)}</td>
      <td>
        {vantage} <span class="kind">{kindName(kind)}</span>
      </td>
      <td>
        <code>{cut(text)}</code>
      </td>
    </tr>
  );
}

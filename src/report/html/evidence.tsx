import type { VNode } from 'preact';
import type { LabEvent } from '../../observe/event';
import { cut, printable } from '../escape';
import { asItCame, type ReportRun } from '../for-report';
import { traceGap } from '../trace-gap';
import { CHUNK } from './chunks';
import { Scroll, Section } from './parts';
import { count, counted } from './words';

/** Characters of one event, or one line, as JSON. */
const MAX_JSON = 1500;
/** Characters of one text in it. */
const MAX_TEXT = 600;
/** Lines of the result's JSON; a hostile one is cut. */
const MAX_LINES = 2000;

/** What all of the above was drawn from: captures, files, and the document itself. */
export function EvidenceSection({ run }: { run: ReportRun }): VNode {
  const { artifacts, captures } = run;
  const gap = traceGap(run);
  // JSON has escapes of its own, and is to be what `--json` tells.
  const raw = asItCame(run);
  const rest = { ...raw, artifacts: undefined, captures: undefined, events: undefined };
  return (
    <Section id="evidence" title="Raw evidence">
      <p>
        {artifacts.directory === null ? (
          'No folder of files was kept; the option --keep keeps one.'
        ) : (
          <>
            Files: <code>{cut(artifacts.directory, 600)}</code>
          </>
        )}
      </p>
      {gap === null ? null : <p>{cut(gap, 600)}</p>}
      {captures.length === 0 && artifacts.captures.length === 0 ? null : (
        <ul>
          {captures.map(({ leg, packets, lost }) => (
            <li key={leg}>
              Capture {leg}: {counted(packets, 'packet')},{' '}
              {lost === 0
                ? 'none lost'
                : `${count(lost)} lost: what it does not show may still have been there`}
            </li>
          ))}
          {artifacts.captures.slice(0, 20).map((file) => (
            <li key={file}>
              <code>{file}</code>
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>The result without its events, as JSON</summary>
        <Json label="The result without its events, as JSON" lines={resultLines(rest)} />
      </details>
      {eventFolds(raw.events).map(({ start, lines }) => {
        const title = `Events ${count(start + 1)} to ${count(start + lines.length)} as JSON, one a line`;
        return (
          <details key={start}>
            <summary>{title}</summary>
            <Json label={title} lines={lines} />
          </details>
        );
      })}
    </Section>
  );
}

function Json({ label, lines }: { label: string; lines: readonly string[] }): VNode {
  return (
    <Scroll label={label}>
      <pre>{lines.join('\n')}</pre>
    </Scroll>
  );
}

/** Cuts long texts before they become JSON, so that megabytes cost nothing. */
function bounded(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
}

function resultLines(result: object): string[] {
  const lines = JSON.stringify(result, bounded, 2).split('\n');
  const shown = lines.slice(0, MAX_LINES).map((line) => printable(line, MAX_JSON));
  return lines.length > MAX_LINES ? [...shown, `… and ${count(lines.length - MAX_LINES)} more lines`] : shown;
}

function eventFolds(events: readonly LabEvent[]): { start: number; lines: string[] }[] {
  // Four folds of the timeline to one of these: they are for searching, not for reading.
  const size = CHUNK * 4;
  return Array.from({ length: Math.ceil(events.length / size) }, (_, index) => ({
    start: index * size,
    lines: events
      .slice(index * size, (index + 1) * size)
      .map((event) => printable(JSON.stringify(event, bounded), MAX_JSON)),
  }));
}

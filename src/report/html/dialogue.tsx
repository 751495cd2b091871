import type { VNode } from 'preact';
import type { LineEvent } from '../../observe/event';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import { Chunks } from './chunks';
import { dialogueRows, difference, firstSeen, type Changed, type DialogueRow } from './dialogue-lines';
import { eventAnchor, Section } from './parts';
import { clock, counted } from './words';

/** Characters shown of a line. */
const LINE_LIMIT = 300;

/** What was said on the control connection, at both ends side by side. */
export function DialogueSection({ run }: { run: ReportRun }): VNode | null {
  const rows = dialogueRows(run.events);
  if (rows.length === 0) return null;
  return (
    <Section
      id="dialogue"
      title="The dialogue, seen from both ends"
      note={`${differences(rows)} Arrows point from sender to receiver.`}
    >
      <Chunks
        rows={rows}
        what="Lines"
        open
        head={
          <tr>
            <th scope="col">Seconds</th>
            <th scope="col">At the client</th>
            <th scope="col">At the server</th>
          </tr>
        }
        row={(row) => <DialogueLine row={row} />}
        about={(first, last) => `${clock(firstSeen(first))} to ${clock(firstSeen(last))} s`}
      />
    </Section>
  );
}

function differences(rows: readonly DialogueRow[]): string {
  const of = (fate: DialogueRow['fate']): number => rows.filter((row) => row.fate === fate).length;
  const parts = [
    of('changed') > 0 ? `${counted(of('changed'), 'line')} changed on the way` : '',
    of('lost') > 0 ? `${counted(of('lost'), 'line')} never arrived` : '',
    of('unsent') > 0 ? `${counted(of('unsent'), 'line')} arrived that the other end did not send` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'Both ends saw the same lines.' : `${parts.join(', ')}.`;
}

function DialogueLine({ row }: { row: DialogueRow }): VNode {
  const command = row.direction === 'command';
  const [client, server] = command ? [row.sent, row.got] : [row.got, row.sent];
  const parts = row.sent && row.got && row.fate === 'changed' ? cutDifference(row.sent, row.got) : null;
  const [ofClient, ofServer] = parts === null ? [null, null] : command ? parts : [parts[1], parts[0]];
  const arrow = command ? '→' : '←';
  const end = { arrow, fate: row.fate, direction: row.direction };
  return (
    <tr class={`said ${row.fate}`}>
      <th scope="row">{clock(firstSeen(row))}</th>
      <End {...end} line={client} parts={ofClient} received={!command} />
      <End {...end} line={server} parts={ofServer} received={command} />
    </tr>
  );
}

function cutDifference(sent: LineEvent, got: LineEvent): readonly [Changed, Changed] {
  return difference(sent.line.slice(0, LINE_LIMIT), got.line.slice(0, LINE_LIMIT));
}

/** One end's view of a line: the words, and what became of them at the end where that shows. */
function End(props: {
  arrow: string;
  direction: DialogueRow['direction'];
  fate: DialogueRow['fate'];
  line: LineEvent | null;
  parts: Changed | null;
  received: boolean;
}): VNode {
  const { arrow, direction, fate, line, parts, received } = props;
  if (line === null && fate === 'late') return <td class="late">not read: the session was over</td>;
  if (line === null) {
    return (
      <td class="absent">
        <span aria-hidden="true">✘ </span>
        {received ? 'never arrived' : 'was not sent'}
      </td>
    );
  }
  return (
    <td>
      <a class="line" href={`#${encodeURIComponent(eventAnchor(line.id))}`}>
        <span aria-hidden="true">{arrow} </span>
        <span class="unseen">{direction}: </span>
        <LineText text={line.line} parts={parts} />
      </a>
      {fate === 'changed' && received ? <span class="fate">changed on the way</span> : null}
    </td>
  );
}

function LineText({ text, parts }: { text: string; parts: Changed | null }): VNode {
  if (parts === null) return <code>{cut(text, LINE_LIMIT)}</code>;
  const { before, changed, after } = parts;
  return (
    <code>
      {before}
      {changed === '' ? null : <mark>{changed}</mark>}
      {after}
      {text.length > LINE_LIMIT ? '…' : ''}
    </code>
  );
}

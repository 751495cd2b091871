import type { ComponentChildren, VNode } from 'preact';
import { count } from './words';

/** Rows a reader scrolls through without losing the place, and a browser lays out at once. */
export const CHUNK = 250;

/**
 * A long table in folds. The first fold is in the page; the rows of the others wait in templates, which
 * cost no layout, until their fold is opened: so ten thousand rows open as fast as two hundred.
 */
export function Chunks<T>(props: {
  rows: readonly T[];
  /** what the rows are, e.g. "events" */
  what: string;
  /** whether the first fold is open from the start */
  open?: boolean;
  head: VNode;
  row: (item: T) => VNode;
  /** what a fold's title says besides its numbers */
  about?: (first: T, last: T) => string;
}): VNode {
  const { rows, what, open = false, head, row, about } = props;
  const starts = Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, index) => index * CHUNK);
  return (
    <div class="chunks">
      {starts.map((start) => {
        const mine = rows.slice(start, start + CHUNK);
        const [first, last] = [mine[0], mine.at(-1)];
        const title = `${what} ${count(start + 1)} to ${count(start + mine.length)}`;
        const rest = about && first !== undefined && last !== undefined ? about(first, last) : '';
        return (
          <details key={start} data-chunk open={open && start === 0}>
            <summary>
              {title} {rest === '' ? null : <span class="dim">{rest}</span>} <span class="dim" data-matches />
            </summary>
            <ChunkTable title={title} head={head} waits={start > 0}>
              {mine.map(row)}
            </ChunkTable>
          </details>
        );
      })}
      {rows.length > CHUNK ? (
        <noscript>
          <p class="note">
            Without scripts only the first {CHUNK} are shown here. The JSON document of the run holds all.
          </p>
        </noscript>
      ) : null}
    </div>
  );
}

function ChunkTable(props: {
  title: string;
  head: VNode;
  waits: boolean;
  children: ComponentChildren;
}): VNode {
  const { title, head, waits, children } = props;
  return (
    <div class="scroll" role="group" aria-label={`Table: ${title}`} tabIndex={0}>
      <table>
        <caption class="unseen">{title}</caption>
        <thead>{head}</thead>
        <tbody>{waits ? <template>{children}</template> : children}</tbody>
      </table>
    </div>
  );
}

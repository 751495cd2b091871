import type { ComponentChildren, VNode } from 'preact';
import type { ClaimVerdict, Outcome } from '../../verdict/run-result';
import { cut } from '../escape';

/** More references than this after one sentence say less than fewer. */
const MAX_LINKS = 12;

/** How each outcome is called, and the tone it is shown in. */
export const OUTCOMES: Readonly<Record<Outcome, { readonly word: string; readonly tone: Tone }>> = {
  pass: { word: 'Pass', tone: 'good' },
  fail: { word: 'Fail', tone: 'bad' },
  'infra-error': { word: 'The lab failed', tone: 'warn' },
  skipped: { word: 'Skipped', tone: 'warn' },
};

const VERDICTS: Readonly<Record<ClaimVerdict, Tone>> = {
  upheld: 'good',
  refuted: 'bad',
  partly: 'warn',
  untested: 'plain',
};

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

/** A word on a coloured ground; the word says it all without the colour. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }): VNode {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function VerdictBadge({ verdict }: { verdict: ClaimVerdict }): VNode {
  return <Badge tone={VERDICTS[verdict]}>{verdict}</Badge>;
}

/** ✔, ✘ or ?, and the same in words for those who do not see it. */
export function Mark({ held }: { held: boolean | null }): VNode {
  const [sign, word, tone] =
    held === null ? ['?', 'unknown', 'warn'] : held ? ['✔', 'held', 'good'] : ['✘', 'did not hold', 'bad'];
  return (
    <span class={`sign ${tone}`}>
      <span aria-hidden="true">{sign}</span>
      <span class="unseen">{word}</span>
    </span>
  );
}

/** A part of the report, with its heading and the anchor the table of contents points to. */
export function Section(props: {
  id: string;
  title: string;
  note?: ComponentChildren;
  children: ComponentChildren;
}): VNode {
  const { id, title, note, children } = props;
  return (
    <section id={id} aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>{title}</h2>
      {note === undefined ? null : <p class="note">{note}</p>}
      {children}
    </section>
  );
}

/** What may be wider than a phone scrolls in here, by keyboard too, and never the page. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }): VNode {
  return (
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

/** The anchor of an event's row in the timeline. */
export function eventAnchor(id: string): string {
  return `event-${cut(id, 40)}`;
}

/** References to the events a sentence rests on. */
export function EventLinks({ ids }: { ids: readonly string[] }): VNode | null {
  if (ids.length === 0) return null;
  const more = ids.length - MAX_LINKS;
  return (
    <span class="refs">
      {ids.slice(0, MAX_LINKS).map((id) => (
        <a key={id} href={`#${encodeURIComponent(eventAnchor(id))}`}>
          <span class="unseen">event </span>
          {cut(id, 40)}
        </a>
      ))}
      {more > 0 ? <span> and {more} more</span> : null}
    </span>
  );
}

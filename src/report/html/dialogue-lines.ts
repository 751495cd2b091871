import type { LabEvent, LineEvent } from '../../observe/event';

/** A line of the control connection, as its sender and as its receiver saw it. */
export interface DialogueRow {
  readonly direction: LineEvent['direction'];
  /** null: seen to arrive, and the other end did not send it */
  readonly sent: LineEvent | null;
  /** null: sent, and not seen to arrive */
  readonly got: LineEvent | null;
  /** late: sent when the session was over, so that nobody may have been there to read it */
  readonly fate: 'same' | 'changed' | 'lost' | 'late' | 'unsent';
}

/** A line in three: what both ends saw alike, what differs, and what is alike again. */
export interface Changed {
  readonly before: string;
  readonly changed: string;
  readonly after: string;
}

/** How far ahead a line is looked for at the other end when the two have come apart. */
const LOOK_AHEAD = 50;

/**
 * The dialogue as both ends saw it, a row for each line, in the order of sending. TCP keeps the order of
 * each direction, so lines are matched direction by direction; one that was rewritten on the way is
 * known by its verb or reply code.
 */
export function dialogueRows(events: readonly LabEvent[]): DialogueRow[] {
  const lines = events.filter((event) => event.kind === 'ftp-line');
  const seen = (vantage: LineEvent['vantage'], direction: LineEvent['direction']): LineEvent[] =>
    lines.filter((line) => line.vantage === vantage && line.direction === direction);
  const over = events.findLast((event) => event.kind === 'step' && event.phase === 'end')?.at;
  const rows = [
    ...match('command', seen('client', 'command'), seen('server', 'command')),
    ...match('reply', seen('server', 'reply'), seen('client', 'reply')),
  ].map((row) =>
    row.fate === 'lost' && over !== undefined && firstSeen(row) >= over
      ? { ...row, fate: 'late' as const }
      : row,
  );
  return rows.sort((a, b) => firstSeen(a) - firstSeen(b));
}

/** When a line was first seen: seconds since the run began. */
export function firstSeen({ sent, got }: DialogueRow): number {
  return sent?.at ?? got?.at ?? 0;
}

function match(
  direction: LineEvent['direction'],
  sent: readonly LineEvent[],
  got: readonly LineEvent[],
): DialogueRow[] {
  const rows: DialogueRow[] = [];
  let next = 0;
  const unsentUntil = (end: number): void => {
    for (const line of got.slice(next, end)) rows.push({ direction, sent: null, got: line, fate: 'unsent' });
    next = end;
  };
  for (const [index, line] of sent.entries()) {
    const steps = stepsToArrival(line, sent.slice(index + 1, index + 1 + LOOK_AHEAD), got, next);
    unsentUntil(next + (steps ?? 0));
    const arrived = steps === null ? undefined : got[next];
    if (arrived) {
      rows.push({
        direction,
        sent: line,
        got: arrived,
        fate: arrived.line === line.line ? 'same' : 'changed',
      });
      next += 1;
    } else {
      rows.push({ direction, sent: line, got: null, fate: 'lost' });
    }
  }
  unsentUntil(got.length);
  return rows;
}

/**
 * How many lines arrived before this one that nobody sent; null when it did not arrive. As it was sent,
 * or, being next, rewritten: with the same verb or reply code.
 */
function stepsToArrival(
  { line }: LineEvent,
  later: readonly LineEvent[],
  got: readonly LineEvent[],
  next: number,
): number | null {
  const first = got[next];
  if (!first) return null;
  const exact = got.slice(next, next + LOOK_AHEAD).findIndex((candidate) => candidate.line === line);
  if (exact === 0) return 0;
  // What arrived next is sent only later: so this one was lost, unless it is the nearer match.
  const owed = later.findIndex((candidate) => candidate.line === first.line);
  if (owed >= 0 && (exact < 0 || owed < exact)) return null;
  if (verb(first.line) === verb(line)) return 0;
  return exact < 0 ? null : exact;
}

function verb(line: string): string {
  return (/^[a-z]+|^\d{3}/i.exec(line)?.[0] ?? line).toUpperCase();
}

/** What differs between two lines, by whole words and numbers: an address is read as one. */
export function difference(one: string, other: string): readonly [Changed, Changed] {
  const [a, b] = [words(one), words(other)];
  const shortest = Math.min(a.length, b.length);
  let head = 0;
  while (head < shortest && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < shortest - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const part = (list: readonly string[]): Changed => ({
    before: list.slice(0, head).join(''),
    changed: list.slice(head, list.length - tail).join(''),
    after: list.slice(list.length - tail).join(''),
  });
  return [part(a), part(b)];
}

function words(text: string): string[] {
  return text.match(/\d+|\p{L}+|[^]/gu) ?? [];
}

import { secondsText } from '../scenario/quantities';
import type { TimelineEntry } from '../verdict/run-result';
import { cut } from './escape';
import type { ReportRun } from './for-report';
import type { Style } from './style';

const COLUMNS = 48;
/** Entries that are drawn; a session of many short transfers has many. */
const MAX_ENTRIES = 8;
/** Seconds of a session that are long enough for its timers to matter. */
const LONG = 60;

/**
 * The life of the connection table's entries, a line each: when packets set the timer (█), when it ran (─),
 * when it ran out (✕), and until when the firewall had not noticed (·).
 *
 * @returns nothing for a run in which time played no part
 */
export function timeStrip(run: ReportRun, style: Style): string[] {
  const { timeline = [] } = run;
  const shown = timeline.filter(({ role }) => role !== 'other').slice(0, MAX_ENTRIES);
  const span = (run.events.at(-1)?.at ?? 0) * run.timeScale;
  const matters =
    span >= LONG || shown.some(({ expiredAtSeconds, closed }) => expiredAtSeconds !== null && !closed);
  if (shown.length === 0 || !matters) return [];
  const names = shown.map(nameOf);
  const width = Math.max(...names.map(({ length }) => length));
  const scale = `0${secondsText(Math.round(span)).padStart(COLUMNS - 1)}`;
  const more = timeline.filter(({ role }) => role !== 'other').length - shown.length;
  return [
    style.dim(`${' '.repeat(width)}  ${scale}`),
    ...shown.map((entry, index) => {
      const name = (names[index] ?? '').padEnd(width);
      return `${name}  ${strip(entry, span, style)}  ${style.dim(endOf(entry))}`.trimEnd();
    }),
    ...(more > 0 ? [style.dim(`and ${more} more`)] : []),
    style.dim('█ packets set the timer  ─ it runs  ✕ it has run out  · the firewall has not told yet'),
  ];
}

function nameOf({ role, transfer, from }: TimelineEntry): string {
  return cut(role === 'control' ? `control ${from}` : (transfer ?? role), 40);
}

function strip(entry: TimelineEntry, span: number, style: Style): string {
  const column = (seconds: number): number => Math.min(COLUMNS - 1, Math.floor((seconds / span) * COLUMNS));
  const { moments, expiredAtSeconds: expired, goneAtSeconds: gone } = entry;
  const first = column(entry.madeAtSeconds);
  const last = moments.at(-1)?.atSeconds ?? entry.madeAtSeconds;
  const end = expired ?? gone ?? span;
  const busy = new Set(moments.map(({ atSeconds }) => column(atSeconds)));
  return Array.from({ length: COLUMNS }, (_, at) => {
    if (expired !== null && at === column(expired)) return entry.closed ? style.dim('✕') : style.red('✕');
    // Of a data connection only the ends of a series are told; between them it was busy.
    if (busy.has(at) || (entry.role === 'data' && at > first && at < column(last))) return style.green('█');
    if (at > first && at <= column(end)) return style.dim('─');
    return expired !== null && at > column(expired) && at <= column(gone ?? span) ? style.dim('·') : ' ';
  }).join('');
}

/** What was left of the timer at the least, where it had been set to its full time. */
function leastLeft(moments: TimelineEntry['moments']): number | undefined {
  const longest = Math.max(...moments.map(({ timeoutSeconds }) => timeoutSeconds ?? 0));
  const left = moments.flatMap(({ leftSeconds }, index) =>
    moments[index - 1]?.timeoutSeconds === longest ? [leftSeconds ?? longest] : [],
  );
  return left.length === 0 ? undefined : Math.min(...left);
}

/** How it ended, or how close it came to that. */
function endOf({ role, moments, expiredAtSeconds, goneAtSeconds, closed }: TimelineEntry): string {
  const last = moments.at(-1);
  if (expiredAtSeconds !== null && !closed) {
    const told = goneAtSeconds === null ? 'not told of' : `told of at ${whole(goneAtSeconds)}`;
    return `expired at ${whole(expiredAtSeconds)}, ${whole(last?.timeoutSeconds ?? 0)} after its last packet; ${told}`;
  }
  // Of a data connection only the ends of a series are told.
  if (role !== 'control') return '';
  const least = leastLeft(moments);
  return least === undefined ? '' : `never less than ${whole(least)} left`;
}

function whole(seconds: number): string {
  return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
}

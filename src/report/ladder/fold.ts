import type { ArrowRow, FoldRow, Row, SectionRow } from './types';

interface Section {
  readonly head: SectionRow | null;
  readonly rows: readonly Row[];
}

/** Whether an arrow is what the ladder is looked at for. */
function isTelling(row: Row): boolean {
  return row.kind === 'mark' ? row.tone === 'bad' : row.kind === 'arrow' && row.stop !== null;
}

/** More alike transfers in a row than this show the first and the last. */
const MOST_ALIKE = 3;

/** Replaces the middle of a series of transfers that went well in the same way by a note. */
export function foldRepeats(rows: readonly Row[]): Row[] {
  const sections = toSections(rows);
  const folded: Row[] = [];
  for (let index = 0; index < sections.length;) {
    const run = alikeFrom(sections, index);
    if (run.length <= MOST_ALIKE) {
      folded.push(...flatten(run.slice(0, 1)));
      index += 1;
      continue;
    }
    folded.push(...flatten(run.slice(0, 1)), noteOf(run.slice(1, -1)), ...flatten(run.slice(-1)));
    index += run.length;
  }
  return folded;
}

/** Sections from here on that are like the first of them. */
function alikeFrom(sections: readonly Section[], index: number): Section[] {
  const likeness = sections[index]?.head?.likeness ?? null;
  const rest = sections.slice(index);
  if (likeness === null) return rest.slice(0, 1);
  const end = rest.findIndex(({ head, rows }) => head?.likeness !== likeness || rows.some(isTelling));
  return rest.slice(0, Math.max(1, end < 0 ? rest.length : end));
}

function noteOf(sections: readonly Section[]): FoldRow {
  const arrows = sections.flatMap(({ rows }) => rows).filter(({ kind }) => kind === 'arrow').length;
  const names = sections.map(({ head }) => head?.step ?? '');
  const which = names.length === 1 ? (names[0] ?? '') : `${names[0] ?? ''} to ${names.at(-1) ?? ''}`;
  return {
    kind: 'fold',
    at: sections[0]?.head?.at ?? 0,
    arrows,
    text: `… ${arrows} more arrows: ${names.length} transfers of the same kind (${which}), all complete`,
  };
}

function toSections(rows: readonly Row[]): Section[] {
  const sections: { head: SectionRow | null; rows: Row[] }[] = [{ head: null, rows: [] }];
  for (const row of rows) {
    if (row.kind === 'section') sections.push({ head: row, rows: [] });
    else sections.at(-1)?.rows.push(row);
  }
  // A step within another begins where that one does: a heading with nothing under it says nothing.
  return sections.filter(
    ({ head, rows: below }, index) => below.length > 0 || (head !== null && index === sections.length - 1),
  );
}

function flatten(sections: readonly Section[]): Row[] {
  return sections.flatMap(({ head, rows }) => [...(head ? [head] : []), ...rows]);
}

/**
 * Keeps the beginning, the end, and what tells most in between; the rest becomes notes of how many.
 *
 * @param most arrows and marks that stay
 */
export function foldLong(rows: readonly Row[], most: number): Row[] {
  const counted = rows.flatMap((row, index) => (row.kind === 'arrow' || row.kind === 'mark' ? [index] : []));
  if (counted.length <= most) return [...rows];
  const kept = new Set([
    ...counted.slice(0, Math.floor(most * 0.55)),
    ...counted.slice(-Math.floor(most * 0.25)),
  ]);
  const telling = counted.filter((index) => !kept.has(index)).filter((index) => isWorthKeeping(rows[index]));
  for (const index of telling.slice(0, Math.floor(most * 0.2))) kept.add(index);
  const first = counted.find((index) => !kept.has(index)) ?? rows.length;
  const last = counted.findLast((index) => !kept.has(index)) ?? -1;
  const folded: Row[] = [];
  let pending: ArrowRow[] = [];
  const flush = (): void => {
    const [begin] = pending;
    if (begin)
      folded.push({ kind: 'fold', at: begin.at, arrows: pending.length, text: `… ${pending.length} more` });
    pending = [];
  };
  for (const [index, row] of rows.entries()) {
    const within = index >= first && index <= last;
    if (kept.has(index) || !within) {
      flush();
      folded.push(row);
    } else if (row.kind === 'arrow') pending.push(row);
  }
  flush();
  return folded;
}

function isWorthKeeping(row: Row | undefined): boolean {
  return (
    row !== undefined &&
    (isTelling(row) || (row.kind === 'arrow' && (row.reset || row.role === 'arrangement')))
  );
}

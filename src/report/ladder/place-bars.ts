import { plain } from './label';
import type { BarPlace, RowPlace, TextBox } from './places';
import type { Bar } from './types';

/** From one bar to the next: a tag fits between. */
const PITCH = 17;
const TAG_HEIGHT = 12;
const TAG_FONT = 9;

/**
 * Gives each bar a column of its own while it lives. Where none is free, one that only lingers after its
 * connection's end gives way; a bar that finds none even so is counted.
 */
export function placeBars(
  bars: readonly Bar[],
  rows: readonly RowPlace[],
  room: { readonly left: number; readonly right: number; readonly bottom: number },
): { bars: BarPlace[]; omitted: number } {
  const columns = Math.floor((room.right - room.left) / PITCH) + 1;
  const placed: BarPlace[] = [];
  const holders: (BarPlace | undefined)[] = Array.from({ length: columns }, () => undefined);
  for (const bar of bars) {
    const [first, last] = [rows[bar.first], rows[bar.last]];
    const free = holders.findIndex((holder) => !holder || holder.bar.last < bar.first);
    const column =
      free >= 0 ? free : holders.findIndex((holder) => (holder?.bar.closed ?? Infinity) < bar.first);
    if (column < 0 || !first || !last) continue;
    const before = holders[column];
    if (free < 0 && before) placed[placed.indexOf(before)] = cutAt(before, first.top);
    const top = first.top + TAG_HEIGHT;
    const bottom = bar.ended ? Math.max(top + 4, last.y) : room.bottom;
    const x = room.left + column * PITCH;
    const place: BarPlace = {
      ...{ bar, x, top, bottom, cut: false },
      tag: tagOf(bar, x, top),
      flowing: flowOf(bar, rows, { top, bottom }),
    };
    holders[column] = place;
    placed.push(place);
  }
  return { bars: placed, omitted: bars.length - placed.length };
}

function tagOf({ tag }: Bar, x: number, top: number): TextBox {
  return { pieces: plain(tag), x, y: top - 2.5, anchor: 'middle', size: TAG_FONT, look: 'tag' };
}

function cutAt(place: BarPlace, bottom: number): BarPlace {
  const { flowing } = place;
  return {
    ...{ ...place, bottom, cut: true },
    flowing: flowing ? { top: flowing.top, bottom: Math.min(flowing.bottom, bottom) } : null,
  };
}

function flowOf(
  { flowing }: Bar,
  rows: readonly RowPlace[],
  limits: { top: number; bottom: number },
): BarPlace['flowing'] {
  const [first, last] = [rows[flowing?.first ?? -1], rows[flowing?.last ?? -1]];
  if (!first || !last) return null;
  const top = Math.max(limits.top, first.y);
  return { top, bottom: Math.min(limits.bottom, Math.max(top + 4, last.y)) };
}

import { cut } from '../escape';
import type { Piece } from './types';

/** Longer texts are cut: a label is for reading. */
const LABEL_LIMIT = 160;

/** Text from a peer as a label: bounded. */
export function labelText(text: string, limit = LABEL_LIMIT): string {
  // Marks that stack on a letter would climb over the lines above.
  return cut(text, limit).replace(/(\p{M}{2})\p{M}+/gu, '$1');
}

export function plain(text: string): readonly Piece[] {
  return text === '' ? [] : [{ text, changed: false }];
}

/** A payload, one character a byte, as people mean it: UTF-8 where it is that (RFC 2640). */
export function payloadText(payload: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(payload, 'latin1'));
  } catch {
    return payload;
  }
}

/**
 * A line before and after the firewall, each with the parts that differ marked: numbers where the
 * lines are built alike, as PORT and 227 are, else all between the common beginning and end.
 */
export function compareLines(before: string, after: string): { before: Piece[]; after: Piece[] } {
  if (before === after) return { before: [...plain(labelText(before))], after: [...plain(labelText(after))] };
  const [a, b] = [before, after].map((line) => line.slice(0, LABEL_LIMIT).match(/\d+|\D+/g) ?? []);
  if (!a || !b) return { before: [], after: [] };
  const alike = a.length === b.length && a.every((part, n) => /\d/.test(part) || part === b[n]);
  if (alike) {
    return {
      before: merge(a.map((part, n) => ({ text: part, changed: part !== b[n] }))),
      after: merge(b.map((part, n) => ({ text: part, changed: part !== a[n] }))),
    };
  }
  return betweenCommonEnds(before, after);
}

function betweenCommonEnds(before: string, after: string): { before: Piece[]; after: Piece[] } {
  const short = Math.min(before.length, after.length);
  let start = 0;
  while (start < short && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < short - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const parts = (line: string): Piece[] =>
    merge([
      { text: line.slice(0, start), changed: false },
      { text: line.slice(start, line.length - end), changed: true },
      { text: line.slice(line.length - end), changed: false },
    ]);
  return { before: parts(before), after: parts(after) };
}

/** Joins neighbours of a kind, and makes each a label. */
function merge(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (piece.text === '') continue;
    if (last?.changed === piece.changed)
      merged[merged.length - 1] = { ...last, text: last.text + piece.text };
    else merged.push(piece);
  }
  return merged.map(({ text, changed }) => ({ text: labelText(text), changed }));
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('');
}

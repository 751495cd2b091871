import type { Piece } from './types';

/** Width of a character of a monospace font, in font sizes: the widest of the usual ones. */
export const CHARACTER = 0.62;
/** Ideographs, emoji and the like take two cells, and some fonts give them more. */
const WIDE =
  /[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe6f\uff00-\uffef]|[\u{10000}-\u{10ffff}]/u;

/** Cells that a text takes; for one that no monospace font has, more than it needs. */
export function cells(text: string): number {
  let sum = 0;
  for (const character of text) sum += WIDE.test(character) ? 2 : 1;
  return sum;
}

/** Width of a text in CSS px, estimated on the safe side. */
export function widthOf(text: string, fontSize: number): number {
  return cells(text) * fontSize * CHARACTER;
}

/** How many cells fit a width in CSS px. */
export function cellsWithin(width: number, fontSize: number): number {
  return Math.max(1, Math.floor(width / (fontSize * CHARACTER)));
}

interface Glyph {
  readonly character: string;
  readonly changed: boolean;
}

/** Breaks a text into lines, at spaces where it can; the last line says when there was more. */
export function wrap(pieces: readonly Piece[], width: number, mostLines: number): Piece[][] {
  let rest: Glyph[] = pieces.flatMap(({ text, changed }) =>
    Array.from(text, (character) => ({ character, changed })),
  );
  const lines: Glyph[][] = [];
  while (rest.length > 0 && lines.length < mostLines) {
    const isLast = lines.length === mostLines - 1;
    const fits = howManyFit(rest, width);
    if (fits === rest.length) {
      lines.push(rest);
      rest = [];
    } else if (isLast) {
      lines.push([...rest.slice(0, howManyFit(rest, width - 1)), { character: '…', changed: false }]);
      rest = [];
    } else {
      const space = rest.slice(0, fits + 1).findLastIndex(({ character }) => character === ' ');
      // A break far to the left would waste the line.
      const at = space > fits / 3 ? space : fits;
      lines.push(rest.slice(0, at));
      rest = rest.slice(space === at ? at + 1 : at);
    }
  }
  return lines.map(toPieces);
}

function howManyFit(glyphs: readonly Glyph[], width: number): number {
  let used = 0;
  for (const [index, { character }] of glyphs.entries()) {
    used += cells(character);
    if (used > width) return Math.max(1, index);
  }
  return glyphs.length;
}

function toPieces(glyphs: readonly Glyph[]): Piece[] {
  const pieces: { text: string; changed: boolean }[] = [];
  for (const { character, changed } of glyphs) {
    const last = pieces.at(-1);
    if (last?.changed === changed) last.text += character;
    else pieces.push({ text: character, changed });
  }
  return pieces;
}

import { cells } from './measure';
import type { Style } from '../style';

export type Tone = keyof Style | 'plain';

interface Cell {
  readonly character: string;
  readonly tone: Tone;
}

/** A line of a terminal, written by column; what was there before is overwritten. */
export class TextLine {
  private readonly cells: (Cell | undefined)[] = [];

  constructor(private readonly width: number) {}

  /** Writes from a column on; what does not fit is cut. A wide character takes two columns. */
  put(column: number, text: string, tone: Tone = 'plain'): this {
    let at = column;
    for (const character of text) {
      const wide = cells(character) === 2;
      if (at < 0 || at + (wide ? 2 : 1) > this.width) break;
      this.cells[at] = { character, tone };
      if (wide) this.cells[at + 1] = { character: '', tone };
      at += wide ? 2 : 1;
    }
    return this;
  }

  /** The line, with its emphasis, and nothing at its end. */
  render(style: Style): string {
    const length = this.cells.findLastIndex((cell) => cell !== undefined && cell.character !== ' ') + 1;
    let text = '';
    for (let start = 0; start < length;) {
      const tone = this.cells[start]?.tone ?? 'plain';
      let end = start;
      let run = '';
      while (end < length && (this.cells[end]?.tone ?? 'plain') === tone) {
        run += this.cells[end]?.character ?? ' ';
        end += 1;
      }
      text += tone === 'plain' ? run : style[tone](run);
      start = end;
    }
    return text;
  }
}

import type { TextLine } from './canvas';
import type { Bar } from './types';

/** Columns from one bar to the next: a tag and a blank. */
const PITCH = 3;

/** Entries of the connection table as columns between the firewall's lanes. */
export class BarColumns {
  private readonly placed: { readonly bar: Bar; readonly column: number }[] = [];
  private readonly tagged = new Set<Bar>();

  constructor(bars: readonly Bar[], left: number, columns: number) {
    const holders: (Bar | undefined)[] = Array.from({ length: columns }, () => undefined);
    for (const bar of bars) {
      const free = holders.findIndex((holder) => !holder || lastOf(holder) < bar.first);
      if (free < 0) continue;
      holders[free] = bar;
      this.placed.push({ bar, column: left + free * PITCH });
    }
  }

  /** Draws the bars that are alive at a row: a tag where one begins, a foot where it ends. */
  draw(line: TextLine, index: number, isFirstLine: boolean): void {
    for (const { bar, column } of this.placed) {
      if (index < bar.first || index > lastOf(bar)) continue;
      if (!this.tagged.has(bar)) {
        this.tagged.add(bar);
        line.put(column, bar.tag, 'bold');
        continue;
      }
      const atEnd = bar.ended && index === bar.last;
      if (atEnd && !isFirstLine) continue;
      const flows = bar.flowing !== null && index >= bar.flowing.first && index <= bar.flowing.last;
      line.put(column, atEnd ? '┴' : flows ? '┃' : bar.expectation ? '┊' : '│');
    }
  }
}

/** One that only lingers after its connection's end leaves its column. */
function lastOf(bar: Bar): number {
  return bar.closed ?? bar.last;
}

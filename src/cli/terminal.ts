import { createColors } from 'picocolors';
import { printable } from '../report/escape';
import type { Style } from '../report/style';

/** Colour only where a person looks at a terminal that wants it (https://no-color.org). */
export function style(stream: NodeJS.WriteStream): Style {
  const plain = !stream.isTTY || Boolean(process.env['NO_COLOR']) || process.env['TERM'] === 'dumb';
  return createColors(!plain);
}

/** A progress display; on a terminal one line that changes, elsewhere a plain line for each change. */
export class Progress {
  /** what a terminal's line begins with, asked anew whenever it is drawn: it may tell of time */
  lead: () => string = () => '';
  private text = '';
  private timer: NodeJS.Timeout | undefined;
  private since = 0;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly quiet: boolean,
  ) {}

  /** Whether it is one line that changes. */
  get changesLine(): boolean {
    return this.stream.isTTY;
  }

  show(news: string): void {
    if (this.quiet) return;
    const text = printable(news, Infinity);
    const same = text === this.text;
    this.text = text;
    if (!same) this.since = performance.now();
    if (!this.changesLine) {
      if (same) return;
      this.stream.write(`${text}\n`);
      return;
    }
    this.draw();
    this.timer ??= setInterval(() => {
      this.draw();
    }, 500).unref();
  }

  clear(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.text = '';
    if (!this.quiet && this.changesLine) this.stream.write('\r\u001b[K');
  }

  private draw(): void {
    const seconds = Math.floor((performance.now() - this.since) / 1000);
    const width = (this.stream.columns || 80) - 1;
    const doing = seconds < 2 || this.text === '' ? this.text : `${this.text} (${seconds} s)`;
    const text = [this.lead(), doing].filter((part) => part !== '').join('; ');
    this.stream.write(`\r\u001b[K${`… ${text}`.slice(0, width)}`);
  }
}

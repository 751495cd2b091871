import { createColors } from 'picocolors';
import type { Style } from '../report/style';

/** Colour only where a person looks at a terminal that wants it (https://no-color.org). */
export function style(stream: NodeJS.WriteStream): Style {
  const plain = !stream.isTTY || Boolean(process.env['NO_COLOR']) || process.env['TERM'] === 'dumb';
  return createColors(!plain);
}

/** A progress display; on a terminal one line that changes, elsewhere a plain line for each change. */
export class Progress {
  private text = '';
  private timer: NodeJS.Timeout | undefined;
  private since = 0;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly quiet: boolean,
  ) {}

  show(text: string): void {
    if (this.quiet || text === this.text) return;
    this.text = text;
    this.since = performance.now();
    if (!this.stream.isTTY) {
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
    if (!this.quiet && this.stream.isTTY) this.stream.write('\r\u001b[K');
  }

  private draw(): void {
    const seconds = Math.floor((performance.now() - this.since) / 1000);
    const width = (this.stream.columns || 80) - 1;
    const text = seconds < 2 ? `… ${this.text}` : `… ${this.text} (${seconds} s)`;
    this.stream.write(`\r\u001b[K${text.slice(0, width)}`);
  }
}

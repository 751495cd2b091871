/** Bytes for each mark, as ftp(1)'s `hash` has it. */
const BYTES_A_MARK = 1024;
/** Fewest and most marks a line. */
const LINE = { least: 64, most: 4096 };
/** Most lines a transfer may report, the note that the record stops among them. */
const MAX_LINES = 200;

/**
 * The hash marks ftp(1) prints while a file moves, one "#" for every 1024 whole bytes (ftp(1), `hash`).
 *
 * They come in lines, for each is an event of the record. A line is as long as it takes to spread the
 * lines over the whole of the file, within bounds.
 */
export class HashMarks {
  private readonly width: number;
  private bytes = 0;
  /** marks in lines already told */
  private told = 0;
  private lines = 0;

  /** @param expected bytes of the file */
  constructor(
    expected: number,
    private readonly tell: (line: string) => void,
  ) {
    const fitting = Math.ceil(Math.floor(expected / BYTES_A_MARK) / (MAX_LINES - 1));
    this.width = Math.min(LINE.most, Math.max(LINE.least, fitting));
  }

  /** @param bytes that have moved since the transfer began; may be told as often as one likes */
  moved(bytes: number): void {
    this.bytes = bytes;
    while (this.pending() >= this.width && this.lines < MAX_LINES) this.line(this.width);
  }

  /** Tells the last line, which is shorter. */
  end(): void {
    if (this.pending() > 0 && this.lines < MAX_LINES) this.line(this.pending());
  }

  private pending(): number {
    return Math.floor(this.bytes / BYTES_A_MARK) - this.told;
  }

  private line(marks: number): void {
    this.lines += 1;
    this.told += marks;
    this.tell(
      this.lines === MAX_LINES
        ? `the record of hash marks stops after ${MAX_LINES} lines`
        : '#'.repeat(marks),
    );
  }
}

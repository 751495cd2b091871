/** Stands at the end of a line that was too long. */
export const CUT = '…[cut]';

/**
 * Splits a byte stream into lines, pure: text in, lines and remainder out.
 *
 * What a peer sends is hostile, so a line is cut at `limit` characters and marked; the rest of
 * that line is dropped until its end comes.
 */
export class LineSplitter {
  private rest = '';
  private cutting = false;

  constructor(private readonly limit = 4096) {}

  push(text: string): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.append(text.slice(from, end));
      lines.push(this.rest.endsWith('\r') ? this.rest.slice(0, -1) : this.rest);
      this.rest = '';
      this.cutting = false;
      from = end + 1;
    }
    this.append(text.slice(from));
    return lines;
  }

  private append(text: string): void {
    if (this.cutting) return;
    this.rest += text;
    if (this.rest.length > this.limit) {
      this.rest = this.rest.slice(0, this.limit) + CUT;
      this.cutting = true;
    }
  }
}

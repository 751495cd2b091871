import { printable } from '../report/escape';

/**
 * Tells a person something that did not come in by the reports' door: an error, a note, what was made.
 * Whoever wrote what is in it, none of it acts on the terminal; its lines stay lines.
 */
export function say(text: string, stream: NodeJS.WritableStream = process.stderr): void {
  stream.write(`${readable(text)}\n`);
}

/** Text of several lines that is harmless: all but the breaks and tabs of it is `printable`. */
export function readable(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => printable(part, Infinity));
}

import type { LineEvent } from '../../observe/event';
import { saidLine } from '../for-report';

/** Lines that name an address or port for the data connection (RFC 959 section 4, RFC 2428). */
const ARRANGEMENT = /^(?:PORT|EPRT|227|229)\b/i;
/** Replies that end a command, or refuse it. */
const FINAL = /^(?:226|250|[45]\d\d)(?: |$)/;

export function isArrangement(line: string): boolean {
  return ARRANGEMENT.test(line);
}

export function isFinal(line: string): boolean {
  return FINAL.test(line);
}

/** Whether this is text as FTP's dialogue is, and not the inside of TLS. */
export function isReadable(payload: string): boolean {
  return /^[\x20-\x7e\t\x80-\xff\xff]/.test(payload) && !/^[\x14-\x17]\x03/.test(payload);
}

/** The lines of a payload without their ends, even where those came in two packets; harmless. */
export function linesOf(payload: string): string[] {
  return payload
    .split(/\r?\n|\r$/)
    .filter((line) => line !== '')
    .map(saidLine);
}

/** Lines the ends of the control connection told of, to be found in packets. */
export class Dialogue {
  private readonly waiting = new Map<string, LineEvent[]>();

  constructor(private readonly lines: readonly LineEvent[]) {
    for (const line of lines) {
      const key = keyOf(line.vantage, line.line);
      const list = this.waiting.get(key);
      if (list) list.push(line);
      else this.waiting.set(key, [line]);
    }
  }

  /** Takes the earliest telling of a line that no packet has taken. */
  take(vantage: string, line: string): LineEvent | undefined {
    return this.waiting.get(keyOf(vantage, line))?.shift();
  }

  /** Takes the line that a packet carries only the beginning of, because the record of it was cut. */
  takeBeginning(vantage: string, beginning: string): LineEvent | undefined {
    if (beginning === '') return undefined;
    for (const [key, list] of this.waiting) {
      if (list.length > 0 && key.startsWith(keyOf(vantage, beginning))) return list.shift();
    }
    return undefined;
  }

  /** What no packet has taken, in order of time. */
  rest(): LineEvent[] {
    const left = new Set([...this.waiting.values()].flat());
    return this.lines.filter((line) => left.has(line));
  }
}

function keyOf(vantage: string, line: string): string {
  return `${vantage} ${line.trimEnd()}`;
}

/** An address and a port as FTP writes them, six numbers with commas (RFC 959 §4.1.2), and where they stand. */
export interface HostPort {
  readonly address: number;
  readonly port: number;
  /** offsets within the text: of the first digit, and behind the last */
  readonly start: number;
  readonly end: number;
}

/**
 * Reads six numbers as the kernel does (ip_masq_ftp.c, parse_ip_port): each is whatever digits there are,
 * none being 0, and counts modulo 256.
 *
 * @returns where reading stopped, if it was not at the end of six numbers
 */
export function readHostPort(text: string, start: number): HostPort | { readonly stopped: number } {
  const numbers: number[] = [];
  let at = start;
  for (;;) {
    let value = 0;
    for (let digit = text.charCodeAt(at) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(at) - 48) {
      value = (value * 10 + digit) & 255;
      at += 1;
    }
    numbers.push(value);
    if (numbers.length === 6) break;
    if (text[at] !== ',') return { stopped: at };
    at += 1;
  }
  const [a = 0, b = 0, c = 0, d = 0, high = 0, low = 0] = numbers;
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return { address, port: high * 256 + low, start, end: at };
}

/** An address and a port as FTP writes them. */
export function printHostPort(address: number, port: number): string {
  return [24, 16, 8, 0]
    .map((shift) => (address >>> shift) & 255)
    .concat(port >>> 8, port & 255)
    .join(',');
}

/** 2.2.14 wants more bytes than these from PORT's P on, later ones no fewer (masq_ftp_out). */
const SHORTEST_PORT = 18;

/**
 * Finds a PORT command in one packet's payload, wherever in it (ip_masq_ftp.c, masq_ftp_out). PORT and port
 * are known, Port is not.
 *
 * A line end must follow. Later kernels do without it, and so take the first part of a command that is cut in
 * its last number for a whole one; the number's other digits then follow the rewritten command.
 *
 * @param early as 2.2.14 reads: what cannot be read is passed over, and reading goes on behind it
 */
export function findPort(text: string, early: boolean): HostPort | null {
  const last = text.length - SHORTEST_PORT - (early ? 1 : 0);
  for (let from = 0; ;) {
    const at = earliest(text.indexOf('PORT ', from), text.indexOf('port ', from));
    if (at < 0 || at > last) return null;
    const found = readHostPort(text, at + 5);
    // Address 0.0.0.0 is what the kernel's reader says for an error.
    if (!('stopped' in found) && endsLine(text, found.end)) return found.address === 0 ? null : found;
    if (!early) return null;
    from = 'stopped' in found ? found.stopped : found.end;
  }
}

function endsLine(text: string, at: number): boolean {
  return text[at] === '\r' || text[at] === '\n';
}

/** Finds a PORT with a line end behind it, which is how a forwarded server's client is read (masq_ftp_in). */
export function findIncomingPort(text: string): HostPort | null {
  const at = earliest(text.indexOf('PORT '), text.indexOf('port '));
  if (at < 0 || at > text.length - SHORTEST_PORT) return null;
  const found = readHostPort(text, at + 5);
  if ('stopped' in found || found.address === 0) return null;
  return endsLine(text, found.end) ? found : null;
}

/** Whether a payload asks for passive mode: 2.2.14 looks at its beginning only. */
export function asksPassive(text: string, early: boolean): boolean {
  if (early) return text.startsWith('PASV\r\n') || text.startsWith('pasv\r\n');
  return text.includes('PASV\r\n') || text.includes('pasv\r\n');
}

/**
 * Finds the address in a reply to PASV (ip_masq_ftp.c, masq_ftp_in). 2.2.14 expects the bracket 22 bytes behind
 * the code, as in the literal "227 Entering Passive Mode ("; later ones look for the three words.
 */
export function findPassiveReply(text: string, early: boolean): HostPort | null {
  const bracket = early ? bracketByCount(text) : bracketByWords(text);
  if (bracket === null) return null;
  const found = readHostPort(text, bracket + 1);
  if ('stopped' in found || found.address === 0 || text[found.end] !== ')') return null;
  return found;
}

function bracketByCount(text: string): number | null {
  const blank = text.indexOf(' ');
  if (blank < 0) return null;
  let at = blank;
  while (text[at] === ' ') at += 1;
  return text[at + 22] === '(' ? at + 22 : null;
}

function bracketByWords(text: string): number | null {
  let at = 0;
  for (const [lower, upper] of [
    ['ntering ', 'NTERING '],
    ['ssive ', 'SSIVE '],
    ['ode ', 'ODE '],
  ] as const) {
    const found = earliest(text.indexOf(lower, at), text.indexOf(upper, at));
    if (found < 0) return null;
    at = found + lower.length;
  }
  const bracket = text.indexOf('(', at);
  return bracket < 0 ? null : bracket;
}

function earliest(one: number, other: number): number {
  if (one < 0) return other;
  return other < 0 ? one : Math.min(one, other);
}

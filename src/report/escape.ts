declare const harmless: unique symbol;

/** Text of which no character acts on a terminal, an editor or a reader: `printable` made it. */
export type Harmless = string & { readonly [harmless]: true };

/** Characters shown of a text, unless something else is said of it. */
export const USUAL_LENGTH = 300;

// C0, DEL, C1, bidi and zero-width marks, line separators, byte order mark, lone surrogates, and what
// is no character at all (XML forbids it).
const ACTING =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]/;
const EACH_ACTING = new RegExp(ACTING, 'g');

/**
 * Makes text from peers harmless on a terminal: control characters, escape sequences and bidi marks
 * become visible escapes. Bounded, because a peer may send megabytes. Reports have no need of it: what
 * they are drawn from has been through it (`forReport`).
 */
export function printable(text: string, limit = USUAL_LENGTH): Harmless {
  const short = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return (ACTING.test(short) ? short.replace(EACH_ACTING, escapeOf) : short) as Harmless;
}

/** An escape that `printable` made. None is the beginning of another. */
const ESCAPE = /\\x(?:[01].|7f|[89].|61c|(?:20|d[89a-f]|f[ef])..)/y;

/** As many characters of a printable text as a report has room for; an escape counts as the one it stands for. */
export function cut(text: string, limit = USUAL_LENGTH): string {
  if (text.length <= limit) return text;
  let end = 0;
  for (let count = 0; count < limit && end < text.length; count += 1) {
    ESCAPE.lastIndex = end;
    end += text[end] === '\\' ? (ESCAPE.exec(text)?.[0].length ?? 1) : 1;
  }
  return end < text.length ? `${text.slice(0, end)}…` : text;
}

/** The lines of a text whose breaks `printable` has made visible, for reports that have room for them. */
export function splitLines(text: string): string[] {
  return text.split(/\\x0a|\n/);
}

function escapeOf(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

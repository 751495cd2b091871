/**
 * Makes text from peers harmless on a terminal: control characters, escape sequences and bidi marks
 * become visible escapes. Bounded, because a peer may send megabytes.
 */
export function printable(text: string, limit = 300): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(
    // C0, DEL, C1, bidi and zero-width marks, line separators, byte order mark, lone surrogates, and what
    // is no character at all (XML forbids it).
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

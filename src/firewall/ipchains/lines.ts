import type { Report } from './options';
import type { RuleLine, Word } from '../words';

/** Whether a line can be split into words at all. */
export function isPlain(line: RuleLine, report: Report): boolean {
  const odd = /[^\t\x20-\x7e]/u.exec(line.text);
  if (odd) {
    const code = (odd[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const hint = /[\u2010-\u2015\u2212]/.test(odd[0]) ? '; did you mean "-"?' : '';
    report(
      line.column + odd.index,
      `"${odd[0]}" (U+${code}) stands in no command; allowed: plain ASCII${hint}`,
    );
    return false;
  }
  const quote = /["']/.exec(line.text.replace(/"[^"]*"|'[^']*'/g, (quoted) => ' '.repeat(quoted.length)));
  if (quote) report(line.column + quote.index, `this ${quote[0]} is not closed`);
  return quote === null;
}

/** A word with the values of the names in it, which begin with a `$`. */
export function substitute(word: Word, names: ReadonlyMap<string, string>, report: Report): Word {
  if (!word.text.includes('$')) return word;
  const text = word.text.replace(/\$(\w*)/g, (written, name: string) => {
    const value = names.get(name);
    if (value !== undefined) return value;
    const known = [...names.keys()].map((one) => `$${one}`).join(', ');
    report(word.column, `unknown name ${written}; known: ${known === '' ? 'none' : known}`);
    return written;
  });
  return { text, column: word.column };
}

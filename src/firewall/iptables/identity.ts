/** What comes before the author's own words of a rule: command, chain and, in -I, the number. */
const HEAD = /^-[AID] \S+(?: \d+(?= |$))?/;
/** The comment, and what a rule has of its author's begins behind it. */
export const MARK = / -m comment --comment "row \d+"/;

/**
 * A rule command with its row's number as comment right behind the chain, by which its counter is
 * recognised later. Text that has it already stays as it is.
 */
export function withRow(text: string, row: number): string {
  const head = HEAD.exec(text)?.[0];
  if (head === undefined) return text;
  const mark = rowMark(row);
  return text.startsWith(mark, head.length) ? text : `${head}${mark}${text.slice(head.length)}`;
}

/** The same text without that comment. */
export function withoutRow(text: string): string {
  const head = HEAD.exec(text)?.[0] ?? '';
  const mark = new RegExp(MARK.source, 'y');
  mark.lastIndex = head.length;
  const found = head === '' ? null : mark.exec(text);
  return found ? head + text.slice(head.length + found[0].length) : text;
}

/** Columns by which the words behind the chain move when the comment is put in. */
export function rowMarkLength(row: number): number {
  return rowMark(row).length;
}

function rowMark(row: number): string {
  return ` -m comment --comment "row ${row}"`;
}

/** A word of a rule, and where it begins: column from 0. */
export interface Word {
  readonly text: string;
  readonly column: number;
}

/** A line that says something: comments and blank ones left out. Line and column from 0. */
export interface RuleLine {
  readonly line: number;
  readonly column: number;
  /** without surrounding blanks, comment and line end */
  readonly text: string;
}

/** The lines of rule text, whatever its line ends; `#` begins a comment unless it is inside quotes. */
export function ruleLines(text: string): RuleLine[] {
  return text.split(/\r\n|\n|\r/).flatMap((raw, line) => {
    const said = withoutComment(raw);
    const trimmed = said.trim();
    return trimmed === '' ? [] : [{ line, column: said.length - said.trimStart().length, text: trimmed }];
  });
}

/** A rule of several lines, or of one continued by a backslash, as one. */
export function oneLine(text: string): string {
  return text.replace(/\s*\\?\s*\n\s*/g, ' ');
}

function withoutComment(line: string): string {
  let quote = '';
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] ?? '';
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '#' && (index === 0 || /\s/.test(line[index - 1] ?? '')))
      return line.slice(0, index);
  }
  return line;
}

/**
 * The words of a line as a shell would split them: blanks between, quotes around what has blanks in it.
 *
 * @param column of the line's first character
 */
export function words(text: string, column = 0): Word[] {
  return [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map((match) => ({
    text: match[0].replace(/"([^"]*)"|'([^']*)'/g, '$1$2'),
    column: column + match.index,
  }));
}

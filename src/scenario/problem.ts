/** A place in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly position: Position | null;
  readonly message: string;
}

/** The input is wrong: nothing was started. The CLI prints the message and exits with 2. */
export class InputError extends Error {
  constructor(
    readonly file: string | null,
    readonly problems: readonly Problem[],
    source?: string,
  ) {
    super(problems.map((problem) => describe(file, problem, source)).join('\n'));
    this.name = 'InputError';
  }
}

/** One problem of one file, or of the command line. */
export function inputError(message: string, file: string | null = null): InputError {
  return new InputError(file, [{ position: null, message }]);
}

function describe(file: string | null, problem: Problem, source: string | undefined): string {
  if (file === null) return problem.message;
  if (!problem.position) return `${file}: ${problem.message}`;
  const { line, column } = problem.position;
  const head = `${file}:${line}:${column}: ${problem.message}`;
  const text = source?.split('\n')[line - 1]?.replace(/\r$/, '');
  if (text === undefined) return head;
  // A window around the column, so that a very long line does not hide the mark.
  const from = Math.max(0, column - 60);
  const shown = printable(text.slice(from, from + 100));
  return `${head}\n  ${shown}\n  ${' '.repeat(Math.max(0, column - 1 - from))}^`;
}

/** Files may hold anything; what is printed of them is one character for one. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\u1fff\u3000-\ud7ff]/g, '?');
}

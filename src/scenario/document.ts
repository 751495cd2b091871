import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { LineCounter, isMap, isScalar, parseDocument, type Document, type Node } from 'yaml';
import { InputError, inputError, type Position } from './problem';

/** A scenario is a page of text; anything larger is a mistake. */
const MAX_BYTES = 1024 * 1024;

export type Path = readonly PropertyKey[];

/** A YAML file read and parsed, that can say where each part of it stands. */
export interface ScenarioDocument {
  readonly file: string;
  readonly source: string;
  readonly data: unknown;
  /** position of the value at a path, or of the key when `key` is given */
  locate(path: Path, key?: string): Position | null;
  /** position of a character within a text value, by line and column of that text (both from 0) */
  locateInText(path: Path, line: number, column: number): Position | null;
}

/**
 * Reads and parses a file.
 *
 * @throws InputError for anything that is not a readable YAML text of sensible size
 */
export function readDocument(file: string): ScenarioDocument {
  const source = readText(file);
  const lineCounter = new LineCounter();
  const document = parseDocument(source, { lineCounter, strict: true, uniqueKeys: true });
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  const [error] = document.errors;
  if (error) {
    // yaml's message repeats position and excerpt after its first line.
    const message = error.message.split(/ at line \d+/)[0]?.split('\n')[0] ?? error.code;
    throw new InputError(
      file,
      [{ position: at(error.pos[0]), message: `not valid YAML: ${message}` }],
      source,
    );
  }
  const data = toData(file, document);
  const lines = source.split('\n');
  if (data === null) throw inputError('the file holds no scenario, only blanks or comments', file);
  return {
    file,
    source,
    data,
    locate: (path, key) => locate(document, at, path, key),
    locateInText: (path, line, column) => locateInText(document, lines, at, { path, line, column }),
  };
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    // Without O_NONBLOCK the opening of a pipe would wait for its writer.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(descriptor);
      if (stat.isDirectory()) throw inputError('is a directory; a scenario file is wanted', file);
      if (!stat.isFile()) throw inputError('is not a regular file', file);
      if (stat.size > MAX_BYTES) {
        const mebibytes = (stat.size / 2 ** 20).toFixed(1);
        throw inputError(`is ${mebibytes} MiB; a scenario has at most 1 MiB`, file);
      }
      bytes = readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why: Record<string, string> = {
      ENOENT: 'no such file',
      EACCES: 'may not be read: permission denied',
      EISDIR: 'is a directory; a scenario file is wanted',
    };
    throw inputError(why[code ?? ''] ?? `can't be read: ${String(error)}`, file);
  }
  if (bytes.length === 0) throw inputError('the file is empty', file);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Not UTF-8: the same answer as for a text with NULs in it.
  }
  throw inputError('is not a text file (UTF-8)', file);
}

function toData(file: string, document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 }) as unknown;
  } catch (error) {
    throw inputError(`not valid YAML: ${error instanceof Error ? error.message : String(error)}`, file);
  }
}

function locate(
  document: Document.Parsed,
  at: (offset: number) => Position,
  path: Path,
  key?: string,
): Position | null {
  const node = nodeAt(document, path);
  if (!node?.range) return null;
  if (key !== undefined && isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (isScalar(pair?.key) && pair.key.range) return at(pair.key.range[0]);
  }
  return at(node.range[0]);
}

/** The node at a path, or the nearest one above it that exists. */
function nodeAt(document: Document.Parsed, path: Path): Node | null {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node) return node;
  }
  return document.contents;
}

function locateInText(
  document: Document.Parsed,
  lines: readonly string[],
  at: (offset: number) => Position,
  place: { path: Path; line: number; column: number },
): Position | null {
  const node = nodeAt(document, place.path);
  if (!node?.range) return null;
  const start = at(node.range[0]);
  if (!isScalar(node) || node.type !== 'BLOCK_LITERAL') return start;
  // A literal block starts on the line after its `|`; its indentation is that of its first text line.
  let first = start.line;
  while (first < lines.length && lines[first]?.trim() === '') first += 1;
  const text = lines[first] ?? '';
  const indent = text.length - text.trimStart().length;
  return { line: start.line + 1 + place.line, column: indent + 1 + place.column };
}

import type { ErrorObject } from 'ajv';
import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputError, InputError } from '../scenario/problem';
import type { RunResult } from '../verdict/run-result';
import { printable } from './escape';
import { SCHEMA_VERSION, type ResultDocument } from './json';
import { validateDocument } from './result-validator';

/** What Node can hold as one text; 10,000 events are some 4 MiB. */
const MAX_BYTES = 256 * 1024 * 1024;
/** The document's name in an evidence folder. */
const IN_FOLDER = 'result.json';
const WANTED = 'wanted: what `lab run --json` printed, or an evidence folder';

/**
 * Reads a saved document of results: a file, an evidence folder, or `-` for standard input. Whoever wrote
 * it is not trusted, so that it is checked whole against the schema.
 *
 * @throws InputError that says what is wrong with it, and where
 */
export function readResults(path: string): readonly RunResult[] {
  const name = path === '-' ? 'standard input' : path;
  const file = existsSync(join(path, IN_FOLDER)) ? join(path, IN_FOLDER) : path;
  const document = parse(readText(file, name), name);
  const version = versionOf(document);
  if (version === undefined) throw inputError(`is JSON, but holds no results of the lab; ${WANTED}`, name);
  if (version !== SCHEMA_VERSION) {
    const found = printable(JSON.stringify(version), 40);
    throw inputError(
      `has schemaVersion ${found}; this lab reads ${SCHEMA_VERSION}: draw it with the lab that made it`,
      name,
    );
  }
  if (validateDocument(document)) return document.runs;
  throw inputError(complaint(validateDocument.errors ?? [], document), name);
}

function readText(file: string, name: string): string {
  try {
    const descriptor = file === '-' ? 0 : openSync(file, 'r');
    try {
      const stat = fstatSync(descriptor);
      if (stat.isDirectory()) throw inputError(`is a folder without a ${IN_FOLDER}; ${WANTED}`, name);
      if (stat.size > MAX_BYTES) {
        const mebibytes = (stat.size / 2 ** 20).toFixed(0);
        throw inputError(`is ${mebibytes} MiB; allowed: up to ${MAX_BYTES / 2 ** 20} MiB`, name);
      }
      return readFileSync(descriptor, 'utf8');
    } finally {
      if (descriptor !== 0) closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why: Record<string, string> = {
      ENOENT: 'no such file',
      EACCES: 'may not be read: permission denied',
      ERR_STRING_TOO_LONG: 'is too large to be read',
    };
    throw inputError(`${why[code ?? ''] ?? `can't be read: ${String(error)}`}; ${WANTED}`, name);
  }
}

function parse(text: string, name: string): unknown {
  if (text.trim() === '') throw inputError(`is empty; ${WANTED}`, name);
  try {
    return JSON.parse(text);
  } catch (error) {
    const cut = text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}');
    const why = printable(error instanceof Error ? error.message : String(error), 200);
    throw inputError(
      cut ? `is cut off: its JSON has no end (${why})` : `is not JSON (${why}); ${WANTED}`,
      name,
    );
  }
}

function versionOf(document: unknown): unknown {
  if (typeof document !== 'object' || document === null) return undefined;
  return (document as Partial<ResultDocument>).schemaVersion;
}

/** "is damaged, or was changed: runs[0].outcome must be equal to …; found "splendid"" */
function complaint(errors: readonly ErrorObject[], document: unknown): string {
  // Where a value could have been one of several things, the last says so, after what each complains of.
  const worst = errors.at(-1);
  const keys = worst?.instancePath.split('/').slice(1) ?? [];
  const place = keys.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join('');
  const where = printable(place.replace(/^\./, '')) || 'the document';
  const why =
    worst?.keyword === 'anyOf'
      ? 'is nothing that this lab knows'
      : (worst?.message ?? 'is not as it should be');
  const allowed = worst?.keyword === 'enum' ? `: ${String(worst.params['allowedValues'])}` : '';
  const found = keys.reduce<unknown>(
    (value, key) => (value as Record<string, unknown> | undefined)?.[key],
    document,
  );
  const shown = found === undefined ? 'nothing' : printable(JSON.stringify(found), 80);
  return `is damaged, or was changed: ${where} ${why}${allowed}; found ${shown}`;
}

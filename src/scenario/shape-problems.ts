import { closest, distance } from 'fastest-levenshtein';
import type * as z from 'zod/mini';
import type { Path, ScenarioDocument } from './document';
import type { Problem } from './problem';

type Issue = z.core.$ZodIssue;

/** What a pattern of the schema means, in words. */
const FORMATS: readonly (readonly [RegExp, string])[] = [
  [/ms\|s\|m\|h/, 'a duration with its unit, e.g. "20 s", "15m" (ms, s, m, h)'],
  [/KiB\|MiB/, 'a size with its unit, e.g. "1 MiB" (B, KiB, MiB, GiB)'],
  [/0\\\/24/, 'a network such as 10.0.0.0/24'],
  [/\\s\?-\\s\?/, 'a port range such as "50000-50099"'],
  [/\{3\}\\d\{1,3\}\$/, 'an IPv4 address'],
];

/** Turns the schema's complaints into sentences with positions: what was found, what is allowed. */
export function shapeProblems(document: ScenarioDocument, issues: readonly Issue[]): Problem[] {
  return issues.flatMap((issue) => describe(document, issue, []));
}

function describe(document: ScenarioDocument, issue: Issue, above: Path): Problem[] {
  const path = [...above, ...issue.path];
  const found = valueAt(document.data, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      position: document.locate(path, key),
      message: unknownKey(path, key, knownKeys(issue)),
    }));
  }
  if (issue.code === 'invalid_union') return describeUnion(document, issue, path, found);
  const what = path.length === 0 ? 'the scenario' : label(path);
  if (found === undefined && path.length > 0) {
    return [{ position: document.locate(path.slice(0, -1)), message: `${what} is missing` }];
  }
  const message = `${what} is ${show(found)}; allowed: ${allowed(issue)}`;
  return [{ position: document.locate(path), message }];
}

/** Of a union's branches, the one meant is the one whose outer type fits what was written. */
function describeUnion(
  document: ScenarioDocument,
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  found: unknown,
): Problem[] {
  const isObject = typeof found === 'object' && found !== null;
  const branch = issue.errors.find((errors) =>
    errors.every((error) => error.path.length > 0 || error.code === 'unrecognized_keys'),
  );
  if (isObject && branch) return branch.flatMap((error) => describe(document, error, path));
  const options = issue.errors
    .flat()
    .filter((error) => error.path.length === 0)
    .map(allowed);
  const message = `${label(path)} is ${show(found)}; allowed: ${[...new Set(options)].join(', or ')}`;
  return [{ position: document.locate(path), message }];
}

function allowed(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map((value) => String(value)).join(', ');
    case 'too_small':
      return issue.origin === 'string' ? 'some text' : `${issue.minimum} or more`;
    case 'too_big':
      return issue.origin === 'string' ? `up to ${issue.maximum} characters` : `up to ${issue.maximum}`;
    case 'invalid_format': {
      const pattern = issue.pattern ?? '';
      return FORMATS.find(([mark]) => mark.test(pattern))?.[1] ?? `text like ${pattern}`;
    }
    default:
      return issue.message;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a map of keys and values',
  array: 'a list',
  string: 'text',
  int: 'a whole number',
  number: 'a number',
};

function label(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part + 1}]` : (index ? '.' : '') + String(part)))
    .join('');
}

function show(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** zod names the schema that complained; a strict object lists its keys there. */
function knownKeys(issue: Issue): readonly string[] {
  const shape = (issue as { inst?: { _zod?: { def?: { shape?: object } } } }).inst?._zod?.def?.shape;
  return Object.keys(shape ?? {});
}

function unknownKey(path: Path, key: string, known: readonly string[]): string {
  const where = path.length === 0 ? '' : ` in ${label(path)}`;
  const near = known.length > 0 ? closest(key, [...known]) : '';
  const hint = near && distance(key, near) <= 2 ? `; did you mean "${near}"?` : '';
  return `unknown key "${key}"${where}${hint}; known: ${known.join(', ')}`;
}

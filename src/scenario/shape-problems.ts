import { closest, distance } from 'fastest-levenshtein';
import type * as z from 'zod/mini';
import { scenarioJsonSchema } from './json-schema';
import type { Path, ScenarioDocument } from './document';
import type { Problem } from './problem';

type Issue = z.core.$ZodIssue;

/** What a pattern of the schema means, in words. */
const FORMATS: readonly (readonly [RegExp, string])[] = [
  [/off\|/, 'a duration with its unit, e.g. "5m", or off'],
  [/ms\|s\|m\|h/, 'a duration with its unit, e.g. "20 s", "15m" (ms, s, m, h)'],
  [/KiB\|MiB/, 'a size with its unit, e.g. "1 MiB" (B, KiB, MiB, GiB)'],
  [/0\\\/24/, 'a network such as 10.0.0.0/24'],
  [/\\s\?-\\s\?/, 'a port range such as "50000-50099"'],
  [/\{3\}\\d\{1,3\}\$/, 'an IPv4 address'],
];

/** Turns the schema's complaints into sentences with positions: what was found, what is allowed. */
export function shapeProblems(document: ScenarioDocument, issues: readonly Issue[]): Problem[] {
  const mistyped = new Set(issues.flatMap(mistypedKeys));
  return issues
    .flatMap((issue) => describe(document, issue, []))
    .filter(
      // A key that is missing because it is mistyped is one mistake, not two.
      ({ message }) => !mistyped.has(message),
    );
}

/** What would be said of the keys that unknown ones were meant to be, were they just missing. */
function mistypedKeys(issue: Issue): string[] {
  if (issue.code !== 'unrecognized_keys') return [];
  const known = Object.keys(schemaAt(issue.path).properties ?? {});
  return issue.keys.flatMap((key) => {
    const near = nearest(key, known);
    return near === undefined ? [] : [`${label([...issue.path, near])} is missing`];
  });
}

function describe(document: ScenarioDocument, issue: Issue, above: Path): Problem[] {
  const path = [...above, ...issue.path];
  const found = valueAt(document.data, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      position: document.locate(path, key),
      message: unknownKey(path, key, Object.keys(schemaAt(path).properties ?? {})),
    }));
  }
  const what = path.length === 0 ? 'the scenario' : label(path);
  if (found === undefined && path.length > 0) {
    return [{ position: document.locate(path.slice(0, -1)), message: `${what} is missing` }];
  }
  if (issue.code === 'invalid_union') return describeUnion(document, issue, path, found);
  const message = `${what} is ${show(found)}; allowed: ${allowed(issue, path)}`;
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
    .map((error) => allowed(error, path));
  const message = `${label(path)} is ${show(found)}; allowed: ${[...new Set(options)].join(', or ')}`;
  return [{ position: document.locate(path), message }];
}

function allowed(issue: Issue, path: Path): string {
  switch (issue.code) {
    case 'invalid_type':
      return formOf(schemaAt(path).pattern) ?? TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map((value) => String(value)).join(', ');
    case 'too_small':
      return issue.origin === 'string' ? 'some text' : `${issue.minimum} or more`;
    case 'too_big':
      return issue.origin === 'string' ? `up to ${issue.maximum} characters` : `up to ${issue.maximum}`;
    case 'invalid_format': {
      return formOf(issue.pattern) ?? `text like ${issue.pattern ?? ''}`;
    }
    default:
      return issue.message;
  }
}

/** For text that must have a form, the form says more than "text". */
function formOf(pattern: string | undefined): string | undefined {
  return pattern === undefined ? undefined : FORMATS.find(([mark]) => mark.test(pattern))?.[1];
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a map of keys and values',
  array: 'a list',
  string: 'text',
  int: 'a whole number',
  number: 'a whole number',
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

/** What is used of a JSON Schema. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly pattern?: string;
}

/** The part of the published schema that speaks of a path; of a choice, the map. */
function schemaAt(path: Path): SchemaNode {
  const mapOf = (node: SchemaNode): SchemaNode => node.anyOf?.find(({ properties }) => properties) ?? node;
  let node: SchemaNode = scenarioJsonSchema();
  for (const part of path) {
    const { properties, items, additionalProperties } = mapOf(node);
    const other = typeof additionalProperties === 'object' ? additionalProperties : {};
    node = (typeof part === 'number' ? items : properties?.[String(part)]) ?? other;
  }
  return mapOf(node);
}

function unknownKey(path: Path, key: string, known: readonly string[]): string {
  const where = path.length === 0 ? '' : ` in ${label(path)}`;
  const near = nearest(key, known);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return `unknown key "${key}"${where}${hint}; known: ${known.join(', ')}`;
}

/** The known key a mistyped one probably is. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const near = known.length > 0 ? closest(key, [...known]) : undefined;
  return near !== undefined && distance(key, near) <= 2 ? near : undefined;
}

import type { RunResult } from '../verdict/run-result';
import { printable, type Harmless } from './escape';

/**
 * A value whose every text is harmless. Words of the lab's own stay what they are; a payload stays bytes,
 * for it is searched as such, and whoever shows one makes it `printable`.
 */
export type Printable<T> = T extends string
  ? string extends T
    ? Harmless
    : T
  : T extends object
    ? { readonly [Key in keyof T]: Key extends typeof RAW ? T[Key] : Printable<T[Key]> }
    : T;

/** A result as reports are drawn from it: no other is let in. An interface, for that has a name in errors. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface ReportRun extends Printable<RunResult> {}

const RAW = 'payload';

/** Characters kept of the texts that are sentences or lists; reports show less of them, each as it has room. */
const SENTENCE = 4000;
/** Longer than any address and port. */
const END = 40;

/** Characters kept of a text, by the name of its field, where they are not the usual number. */
const LENGTHS: ReadonlyMap<string, number> = new Map([
  ...['claim', 'text', 'what', 'why', 'reason', 'remedy', 'silent', 'directory', 'line'].map(
    (name) => [name, SENTENCE] as const,
  ),
  ...['source', 'destination', 'local', 'remote', 'peer'].map((name) => [name, END] as const),
]);

/** No report looks deeper into a result than half of this; a saved one may be nested without end. */
const DEEPEST = 16;

const doors = new WeakMap<object, object>();
const origins = new WeakMap<object, object>();

/**
 * The door to the reports: of a result, or anything else that is shown, the same with every text harmless
 * and bounded, whoever wrote it. What is harmless already is not copied, and the same value is looked
 * through once.
 */
export function forReport<T extends object>(value: T): Printable<T> {
  const known = doors.get(value);
  if (known) return known as Printable<T>;
  const made = shown(value, '', 0) as Printable<T> & object;
  doors.set(value, made).set(made, made);
  origins.set(made, value);
  return made;
}

/** Text from a payload, as the door shows a line that an end told of: the two can be compared. */
export function saidLine(text: string): Harmless {
  return printable(text, SENTENCE);
}

/** What came in by the door as it was: for JSON, which has escapes of its own, and for nothing else. */
export function asItCame(run: ReportRun): RunResult {
  return (origins.get(run) ?? run) as RunResult;
}

function shown(value: unknown, name: string, depth: number): unknown {
  if (typeof value === 'string') return name === RAW ? value : printable(value, LENGTHS.get(name));
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEEPEST) return null;
  if (Array.isArray(value)) {
    const list = value.map((one: unknown) => shown(one, name, depth + 1));
    return list.some((one, index) => one !== value[index]) ? list : value;
  }
  let changed: [string, unknown][] | null = null;
  for (const key of Object.keys(value)) {
    const part = (value as Record<string, unknown>)[key];
    const made = shown(part, key, depth + 1);
    if (made !== part) (changed ??= []).push([key, made]);
  }
  return changed === null ? value : { ...value, ...Object.fromEntries(changed) };
}

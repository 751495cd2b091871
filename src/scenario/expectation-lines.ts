import { readDocument } from './document';

/**
 * The lines of a scenario file on which its expectations stand, in their order, counted from 1.
 *
 * @returns null for an expectation that has no place of its own
 *
 * @throws InputError when the file can no longer be read
 */
export function expectationLines(file: string, count: number): (number | null)[] {
  const document = readDocument(file);
  return Array.from({ length: count }, (_, index) => document.locate(['expect', index])?.line ?? null);
}

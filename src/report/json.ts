import type { RunResult } from '../verdict/run-result';

/** The version of the document's form; it changes when a field changes its meaning or goes. */
export const SCHEMA_VERSION = 1;

/**
 * What `lab run --json` prints and result.json in an evidence folder holds: one or more runs, whole.
 * Fields may be added within a version; readers leave alone what they do not know.
 */
export interface ResultDocument {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly runs: readonly RunResult[];
}

/** What a terminal or an editor would act on; JSON.stringify escapes C0 and lone surrogates by itself. */
const ACTED_ON = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]/g;

/** The machine-readable document of one or more runs: all of it, and harmless where it is only shown. */
export function jsonReport(runs: readonly RunResult[]): string {
  const document: ResultDocument = { schemaVersion: SCHEMA_VERSION, runs };
  return jsonText(document);
}

/** Any document, as JSON that is harmless where it is only shown. */
export function jsonText(document: object): string {
  const text = JSON.stringify(document, null, 2);
  // They occur in strings only, where an escape stands for the same character.
  const escaped = text.replace(ACTED_ON, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${escaped}\n`;
}

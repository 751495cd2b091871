import type { RunResult } from '../verdict/run-result';

/** The version of the document's form; it changes when a field changes its meaning or goes. */
export const SCHEMA_VERSION = 1;

/** The machine-readable document of one or more runs. */
export function jsonReport(runs: readonly RunResult[]): string {
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, runs }, null, 2)}\n`;
}

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's folder: the nearest one above this file that holds scenarios. */
function projectRoot(): string {
  for (let directory = __dirname; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'scenarios'))) return directory;
    if (directory === dirname(directory)) throw new Error('the scenarios folder is missing');
  }
}

export const PROJECT_DIRECTORY = projectRoot();
export const SCENARIO_DIRECTORY = join(PROJECT_DIRECTORY, 'scenarios');
/** Bundles of the worker and the host programs. */
export const BUNDLE_DIRECTORY = join(PROJECT_DIRECTORY, 'dist');

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../src/verdict/run-result';
import { eventually, runs } from './support';

// The whole catalogue, run once in each run of the suite, with real packets, through the real CLI. Tests that
// only read results read these; what a test changes, it runs by itself.

/** All runs of the record. */
export interface Catalogue {
  /** the exit code of `lab run --all` */
  readonly code: number | null;
  readonly runs: readonly RunResult[];
}

/** What the record's folder holds once it is made. */
interface Index {
  readonly code: number | null;
  readonly scenarios: readonly string[];
  /** why there is no record */
  readonly failure: string | null;
}

/**
 * Every scenario that comes with the lab, as `lab run --all --keep` left it. The first who asks has it made; the
 * others, in whatever worker, wait.
 *
 * @throws saying why it could not be made, in the same few words to all
 */
export async function catalogue(): Promise<Catalogue> {
  const { code, scenarios } = await index();
  return { code, runs: scenarios.map(read) };
}

/** Some scenarios of the record, in the order named. */
export async function recorded(names: readonly string[]): Promise<RunResult[]> {
  const { scenarios } = await index();
  return names.map((name) => {
    if (!scenarios.includes(name)) throw new Error(`the catalogue has no ${name}`);
    return read(name);
  });
}

/** The record's folder, in which relative paths in the results begin: test/global-setup.ts has made it. */
export const FOLDER = process.env['LAB_TEST_RECORD'] ?? '';
/** What `lab run --all --json` printed, once there is a record. */
export const DOCUMENT = join(FOLDER, 'results.json');
const INDEX = join(FOLDER, 'index.json');

function read(name: string): RunResult {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as RunResult;
}

async function index(): Promise<Index> {
  if (!existsSync(INDEX)) {
    if (first()) await make();
    // No deadline of its own: whoever makes it is watched, and says when it came to nothing.
    else await eventually(() => existsSync(INDEX), 'the catalogue is recorded', Infinity);
  }
  const made = JSON.parse(readFileSync(INDEX, 'utf8')) as Index;
  if (made.failure !== null) throw new Error(`the catalogue could not be recorded: ${made.failure}`);
  return made;
}

/** Whether nobody has begun yet. */
function first(): boolean {
  try {
    mkdirSync(join(FOLDER, 'begun'));
    return true;
  } catch {
    return false;
  }
}

async function make(): Promise<void> {
  const made = await runs(['--all', '--keep'], FOLDER)
    .then(({ code, stdout, runs: all }): Index => {
      writeFileSync(DOCUMENT, stdout);
      for (const run of all) writeFileSync(join(FOLDER, `${run.scenario}.json`), JSON.stringify(run));
      return { code, scenarios: all.map(({ scenario }) => scenario), failure: null };
    })
    .catch((error: unknown): Index => ({ code: null, scenarios: [], failure: String(error) }));
  // Whole from its first moment on.
  writeFileSync(`${INDEX}.new`, JSON.stringify(made));
  renameSync(`${INDEX}.new`, INDEX);
}

import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { ReportRun } from '../report/for-report';
import { htmlIndex, htmlReport } from '../report/html';
import { junitReport } from '../report/junit';
import { ladderSvg } from '../report/ladder';
import { markdownReport } from '../report/markdown';
import { InputError, inputError, type Problem } from '../scenario/problem';

/** Files a command is asked to write, by the flag that asks. */
export interface ReportFiles {
  readonly html?: string;
  readonly svg?: string;
  readonly markdown?: string;
  readonly junit?: string;
}

const FORMATS = ['html', 'svg', 'markdown', 'junit'] as const;

/**
 * Checks that each file can be written, before anything is done for its sake.
 *
 * @throws InputError naming the flag
 */
export function checkReportFiles(files: ReportFiles): void {
  for (const format of FORMATS) {
    const file = files[format];
    if (file === undefined) continue;
    const where = `--${format} ${file}:`;
    const folder = dirname(file);
    if (!existsSync(folder)) throw inputError(`${where} the folder ${folder} does not exist`);
    const there = lookAt(file, where);
    if (there?.isDirectory()) throw inputError(`${where} is a folder; the name of a file is wanted`);
    try {
      accessSync(there ? file : folder, constants.W_OK);
    } catch {
      throw inputError(`${where} may not be written there: permission denied`);
    }
  }
}

/** What is there already, if anything. @throws InputError when no file can have that name */
function lookAt(file: string, where: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw inputError(`${where} can't be written: ${(error as Error).message}`);
  }
}

/**
 * Writes the files asked for; one that cannot be written does not keep the others from it.
 *
 * @returns the names of those written, an HTML report of several runs under that of its index
 *
 * @throws InputError when several runs are to be one drawing, or the system refuses a file
 */
export function writeReportFiles(runs: readonly ReportRun[], files: ReportFiles): string[] {
  if (files.svg !== undefined) theOne(runs);
  const written: string[] = [];
  const refused: Problem[] = [];
  const write = (format: (typeof FORMATS)[number], make: (file: string) => string): void => {
    const file = files[format];
    if (file === undefined) return;
    try {
      writeFileSync(file, make(file));
      written.push(file);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // A mistake of the lab's own is not the user's.
      if (code === undefined) throw error;
      refused.push({ position: null, message: `--${format} ${file}: can't be written: ${message}` });
    }
  };
  write('junit', () => junitReport(runs));
  write('markdown', () => markdownReport(runs));
  write('html', (file) => html(runs, file));
  write('svg', () => ladderSvg(theOne(runs)));
  if (refused.length > 0) throw new InputError(null, refused);
  return written;
}

/** One run is a page. Several are an index, and a page each in a folder beside it. */
function html(runs: readonly ReportRun[], file: string): string {
  const [only, ...others] = runs;
  if (only && others.length === 0) return htmlReport(only);
  const folder = `${basename(file, extname(file))}-runs`;
  if (runs.length > 0) mkdirSync(join(dirname(file), folder), { recursive: true });
  const pages = new Map(runs.map((run, index) => [run, pageName(run, index)]));
  for (const [run, page] of pages) writeFileSync(join(dirname(file), folder, page), htmlReport(run));
  return htmlIndex(runs, (run) => {
    const page = pages.get(run);
    return page === undefined ? null : `${encodeURIComponent(folder)}/${page}`;
  });
}

/** A name that is safe in a path and in a link, whatever the scenario is called. */
function pageName({ scenario }: ReportRun, index: number): string {
  const name = scenario.replace(/[^A-Za-z0-9-]+/g, '-').slice(0, 80);
  return `${String(index + 1).padStart(3, '0')}-${name}.html`;
}

function theOne(runs: readonly ReportRun[]): ReportRun {
  const [run, ...others] = runs;
  if (run && others.length === 0) return run;
  const names = runs.map(({ scenario }) => scenario).join(', ');
  throw inputError(
    `--svg: is a drawing of one run, and here are ${runs.length}; name one of them after the file: ${names}`,
  );
}

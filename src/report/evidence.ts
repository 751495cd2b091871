import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plan } from '../plan/plan';
import type { RunResult } from '../verdict/run-result';
import { jsonReport } from './json';
import { terminalReport, type Style } from './terminal';
import { transcript } from './transcript';

const identity = (text: string): string => text;
const PLAIN: Style = { bold: identity, dim: identity, red: identity, green: identity, yellow: identity };

/**
 * A fresh folder for a run's evidence, named by scenario and time.
 *
 * @throws the system's error when it cannot be made
 */
export function evidenceDirectory(results: string, scenario: string): string {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  makeDirectories(results);
  for (let attempt = 1; ; attempt += 1) {
    const directory = join(results, `${scenario}-${stamp}${attempt === 1 ? '' : `-${attempt}`}`);
    try {
      mkdirSync(directory);
      return directory;
    } catch (error) {
      // Another run of the same second has it; anything else is worth hearing of.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** mkdirSync's own recursive mode loops for ever where a file system answers ENOENT, as /proc does. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectories(parent);
  mkdirSync(path);
}

/** Writes what can be drawn from the result and the plan beside the lab's own evidence. */
export function writeReports(directory: string, run: RunResult, plan: Plan): void {
  const write = (name: string, text: string): void => {
    writeFileSync(join(directory, name), text);
  };
  write('result.json', jsonReport([run]));
  write('report.txt', terminalReport(run, PLAIN));
  write('transcript.txt', transcript(run));
  write('plan.json', `${JSON.stringify(plan, null, 2)}\n`);
  write('rules-as-loaded.nft', plan.firewall.ruleset.text);
  write('repeat.txt', `npm run lab -- ${shellWord(plan.scenario.file)} --engine ${plan.engine}\n`);
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Plan } from '../plan/plan';
import type { RunResult } from '../verdict/run-result';
import { CAPTURE_FILE, writeCaptureFile } from './capture-file';
import { forReport } from './for-report';
import { htmlReport } from './html';
import { jsonReport } from './json';
import { ladderSvg } from './ladder';
import { markdownReport } from './markdown';
import { PLAIN } from './style';
import { terminalReport } from './terminal';
import { transcript } from './transcript';

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

/**
 * Writes what can be drawn from the result and the plan beside the lab's own evidence. What cannot be
 * written is left out, and takes nothing else with it.
 *
 * @returns the result with the folder and its captures in it, and what went wrong
 */
export function writeReports(
  directory: string,
  judged: RunResult,
  plan: Plan,
): { run: RunResult; complaints: string[] } {
  const complaints: string[] = [];
  const attempt = <T>(name: string, make: () => T): T | null => {
    try {
      return make();
    } catch (error) {
      complaints.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const capture = attempt(CAPTURE_FILE, () =>
    writeCaptureFile(directory, forReport(judged), plan.capture.snapLength),
  );
  const captures = [...judged.artifacts.captures, ...(capture === null ? [] : [capture])];
  const run: RunResult = { ...judged, artifacts: { ...judged.artifacts, captures } };
  const shown = forReport(run);
  const files: Readonly<Record<string, () => string>> = {
    'result.json': () => jsonReport([run]),
    'report.txt': () => terminalReport(shown, PLAIN),
    'report.html': () => htmlReport(shown),
    'report.md': () => markdownReport([shown]),
    'ladder.svg': () => ladderSvg(shown),
    'transcript.txt': () => transcript(shown),
    'plan.json': () => `${JSON.stringify(plan, null, 2)}\n`,
    [RULES_AS_LOADED[plan.firewall.ruleset.loader]]: () => plan.firewall.ruleset.text,
    'repeat.txt': () => `${repeatCommand(plan)}\n`,
  };
  for (const [name, make] of Object.entries(files)) {
    attempt(name, () => {
      writeFileSync(join(directory, name), make());
    });
  }
  return { run, complaints };
}

/** The file that holds the rules, by the program that loaded them. */
const RULES_AS_LOADED: Readonly<Record<Plan['firewall']['ruleset']['loader'], string>> = {
  nft: 'rules-as-loaded.nft',
  'iptables-restore': 'rules-as-loaded.iptables',
  ipchains: 'rules-as-loaded.ipchains',
  sh: 'rules-as-loaded.sh',
};

/** The one command that does the run again. */
function repeatCommand({ scenario, engine, capture }: Plan): string {
  const flags = ['--engine', engine, ...(capture.enabled ? [] : ['--no-capture'])];
  return ['npm run lab --', shellWord(resolve(scenario.file)), ...flags].join(' ');
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunResult } from '../src/verdict/run-result';

export const ROOT = join(__dirname, '..');
export const LAB = join(ROOT, 'dist', 'lab.js');
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** The system tools are not in an ordinary user's PATH on Debian. */
export const PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Seconds without a word after which a program is taken for hung: far more than the slowest machine needs
 * between two. Programs end in their own time, and no test says how long that may be.
 */
const SILENCE_SECONDS = 120;

/** A folder of a test's own, removed when its file is done. */
export function scratch(parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'lab-test-'));
  scratches.push(directory);
  return directory;
}
const scratches: string[] = [];
afterAll(() => {
  for (const directory of scratches) rmSync(directory, { recursive: true, force: true });
});

/** Starts the lab's CLI in a folder. The child leads no group of its own: tests end it by its id. */
export function startLab(
  args: readonly string[],
  cwd: string,
  prefix: readonly string[] = [],
  script = LAB,
): ChildProcess {
  const [program = '', ...rest] = [...prefix, process.execPath, script, ...args];
  return spawn(program, rest, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH } });
}

/**
 * A program's end, and all it has said. One that falls silent is ended by the watchdog.
 *
 * @param silence seconds without a word after which that is
 * @throws saying who ended it, after how long, where it was, and the last it said
 */
export function finished(child: ChildProcess, silence = SILENCE_SECONDS): Promise<Finished> {
  const text = { stdout: '', stderr: '' };
  const began = performance.now();
  let silent = 0;
  const hear = (stream: keyof typeof text) => (chunk: Buffer) => {
    text[stream] += chunk.toString('utf8');
    silent = 0;
  };
  child.stdout?.on('data', hear('stdout'));
  child.stderr?.on('data', hear('stderr'));
  let hung: Error | undefined;
  // Ticks are counted, not the clock read: a machine that stood still was not silent.
  const watchdog = setInterval(() => {
    silent += 1;
    if (silent < silence || hung) return;
    hung = hungProgram(child, (performance.now() - began) / 1000, silent, text);
    for (const { pid } of descendants(child.pid ?? 0)) endQuietly(pid);
    child.kill('SIGKILL');
  }, 1000);
  return new Promise((resolve, reject) => {
    const over = (settle: () => void): void => {
      clearInterval(watchdog);
      settle();
    };
    child.once('error', (error) => {
      over(() => {
        reject(error);
      });
    });
    child.once('close', (code, signal) => {
      over(() => {
        if (hung) reject(hung);
        else resolve({ code, signal, ...text });
      });
    });
  });
}

/** What is said of a program that the watchdog ends. */
function hungProgram(
  child: ChildProcess,
  seconds: number,
  silent: number,
  { stdout, stderr }: { stdout: string; stderr: string },
): Error {
  const at = [...stderr.matchAll(/^[\w.-]+: .*$/gm)].at(-1)?.[0] ?? 'its start';
  return new Error(
    `the suite’s watchdog ended “${shortened(child.spawnargs.join(' '), 200)}” after ${Math.round(seconds)} s, ` +
      `the last ${silent} s of them without a word; it was at: ${at}\n` +
      `its standard error ends with:\n${lastLines(stderr)}\nits standard output ends with:\n${lastLines(stdout)}`,
  );
}

/** As much of a text's end as fits a screen. */
export function lastLines(text: string, lines = 10): string {
  const shown = text.trimEnd().split('\n').slice(-lines);
  return shown.map((line) => `  ${shortened(line, 200)}`).join('\n');
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Runs the lab's CLI to its end. */
export function lab(
  args: readonly string[],
  cwd = scratch(),
  prefix: readonly string[] = [],
): Promise<Finished> {
  return finished(startLab(args, cwd, prefix));
}

/** Runs scenarios with --json and reads the document. */
export async function runs(
  args: readonly string[],
  cwd = scratch(),
): Promise<{ code: number | null; runs: RunResult[]; stderr: string; stdout: string }> {
  const { code, stdout, stderr } = await lab(['run', '--json', ...args], cwd);
  return { code, stdout, stderr, runs: documentIn({ code, stdout, stderr }) };
}

/**
 * The runs of the document a lab printed.
 *
 * @throws when it printed none, with the end of what it said instead
 */
export function documentIn({
  code,
  stdout,
  stderr,
}: Pick<Finished, 'code' | 'stdout' | 'stderr'>): RunResult[] {
  if (stdout === '') throw new Error(`no document (exit ${code ?? '?'}):\n${lastLines(stderr)}`);
  return (JSON.parse(stdout) as { runs: RunResult[] }).runs;
}

/**
 * The command that runs something as an ordinary user: nobody, when the tests are root. The lab is
 * copied where that user can read it.
 *
 * @param parent folder in which both of its folders are made
 */
export function ordinaryUser(parent?: string): { prefix: readonly string[]; labCopy: string; cwd: string } {
  const copy = scratch(parent);
  for (const part of ['dist', 'scenarios']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const cwd = scratch(parent);
  if (!isRoot) return { prefix: [], labCopy: join(copy, 'dist', 'lab.js'), cwd };
  for (const directory of [copy, cwd]) spawnSync('chmod', ['-R', 'a+rX', directory]);
  spawnSync('chown', [String(NOBODY), cwd]);
  const prefix = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  return { prefix, labCopy: join(copy, 'dist', 'lab.js'), cwd };
}

/** Runs a program to its end. */
export function run(argv: readonly string[], cwd = scratch()): Promise<Finished> {
  const [program = '', ...args] = argv;
  return finished(
    spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH } }),
  );
}

/**
 * What became of each case of a program that prints a line of JSON for each, by its name: null, or the error.
 *
 * @throws when there is none, with the end of what was said instead
 */
export function caseResults({
  stdout,
  stderr,
}: Pick<Finished, 'stdout' | 'stderr'>): Map<string, string | null> {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  if (lines.length === 0) throw new Error(`the program said nothing:\n${lastLines(stderr)}`);
  return new Map(
    lines.map((line) => {
      const { name, error } = JSON.parse(line) as { name: string; error: string | null };
      return [name, error];
    }),
  );
}

/** A scenario file that passes, with some of its text replaced. */
export function scenarioWith(
  changes: readonly (readonly [string | RegExp, string])[],
  directory = scratch(),
): string {
  let text = BASE_SCENARIO;
  for (const [from, to] of changes) {
    if (typeof from === 'string' ? !text.includes(from) : !from.test(text)) {
      throw new Error(`the base scenario has no ${String(from)}`);
    }
    text = text.replace(from, to);
  }
  const file = join(directory, 'case.yaml');
  writeFileSync(file, text);
  return file;
}

export const BASE_SCENARIO = `title: A passive download
claim: With NAT and no helper, passive mode works.
behind: client
firewall:
  kind: nftables
  nat: masquerade
  policy: drop
  rules: |
    ct state established,related accept
    iifname "inside" oifname "outside" ct state new accept
server: { program: ftp-srv, port: 21, passive-ports: 50000-50099 }
client: basic-ftp
patience: 3 s
session:
  - download: { mode: passive, size: 64 KiB }
expect:
  - download is complete
`;

/** The processes below one, by its id: what it started and what those started. */
export function descendants(pid: number): { pid: number; command: string }[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
      parents.set(Number(name), parent);
    } catch {
      // Gone in the meantime.
    }
  }
  const below = (id: number): number[] =>
    [...parents].filter(([, parent]) => parent === id).flatMap(([child]) => [child, ...below(child)]);
  return below(pid).flatMap((id) => {
    try {
      return [{ pid: id, command: readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      return [];
    }
  });
}

/**
 * Waits for a condition that must come true. The deadline is for what hangs, so it is far away.
 *
 * @param what is to come true, as it is said when it did not
 */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => string),
  seconds = SILENCE_SECONDS,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  // At first in quick succession; looking is work too, where much else is under way.
  for (let pause = 5; ; pause = Math.min(50, pause * 1.3)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) {
      throw new Error(`${typeof what === 'string' ? what : what()}: not within ${seconds} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

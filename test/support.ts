import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunResult } from '../src/verdict/run-result';

export const ROOT = join(__dirname, '..');
export const LAB = join(ROOT, 'dist', 'lab.js');
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** The system tools are not in an ordinary user's PATH on Debian. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Seconds that all scenarios, or all that test a claim, take at the most: some wait for minutes at a scale. */
export const ALL_SECONDS = 580;

/** A folder of a test's own, removed when its file is done. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lab-test-'));
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
 * A program's end and all it has said.
 *
 * @param seconds after which it is killed
 * @throws when it had to be
 */
export function finished(child: ChildProcess, seconds = 110): Promise<Finished> {
  const text = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (text.stdout += chunk.toString('utf8')));
  child.stderr?.on('data', (chunk: Buffer) => (text.stderr += chunk.toString('utf8')));
  let late = false;
  // A program that hangs must fail its test, not outlive it.
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, seconds * 1000);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (late)
        reject(new Error(`${child.spawnargs.join(' ')} did not end within ${seconds} s: ${text.stderr}`));
      else resolve({ code, signal, ...text });
    });
  });
}

/** Runs the lab's CLI to its end. */
export function lab(
  args: readonly string[],
  cwd = scratch(),
  prefix: readonly string[] = [],
  seconds?: number,
): Promise<Finished> {
  return finished(startLab(args, cwd, prefix), seconds);
}

/** Runs scenarios with --json and reads the document. */
export async function runs(
  args: readonly string[],
  cwd = scratch(),
  seconds?: number,
): Promise<{ code: number | null; runs: RunResult[]; stderr: string; stdout: string }> {
  const { code, stdout, stderr } = await lab(['run', '--json', ...args], cwd, [], seconds);
  if (stdout === '') throw new Error(`no document (exit ${code ?? '?'}): ${stderr}`);
  return { code, stdout, stderr, runs: (JSON.parse(stdout) as { runs: RunResult[] }).runs };
}

/**
 * Every scenario that comes with the lab, run with real packets by the one test file that asks first; the
 * others get the same results. Takes up to ALL_SECONDS.
 */
export async function allRuns(): Promise<{ readonly code: number | null; readonly runs: RunResult[] }> {
  const file = join(process.env['LAB_TEST_SHARED'] ?? '', 'all-runs.json');
  if (!existsSync(file)) {
    const { code, runs: all } = await runs(['--all'], scratch(), ALL_SECONDS);
    writeFileSync(file, JSON.stringify({ code, runs: all }));
  }
  return JSON.parse(readFileSync(file, 'utf8')) as { code: number | null; runs: RunResult[] };
}

/**
 * The command that runs something as an ordinary user: nobody, when the tests are root. The lab is
 * copied where that user can read it.
 */
export function ordinaryUser(): { prefix: readonly string[]; labCopy: string; cwd: string } {
  const copy = scratch();
  for (const part of ['dist', 'scenarios']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const cwd = scratch();
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

/** What of this machine a run could have changed, by name. */
export function machineState(): Record<string, string[]> {
  const settings = [
    'net/ipv4/ip_forward',
    'net/ipv6/conf/all/disable_ipv6',
    'net/netfilter/nf_conntrack_tcp_loose',
  ];
  return {
    namespaces: namespaces(),
    processes: processes().map(({ pid, command: name }) => `${pid} ${name}`),
    links: readdirSync('/sys/class/net'),
    routes: readFileSync('/proc/net/route', 'utf8').split('\n'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n'),
    settings: settings.map((path) => {
      try {
        return `${path}=${readFileSync(`/proc/sys/${path}`, 'utf8').trim()}`;
      } catch {
        return `${path} absent`;
      }
    }),
    files: ['/tmp', '/run', '/run/netns', '/var/run'].flatMap((directory) => {
      try {
        return readdirSync(directory)
          .filter((name) => !/^(?:lab-test-|jest|node-compile-cache|v8-compile-cache)/.test(name))
          .map((name) => join(directory, name));
      } catch {
        return [];
      }
    }),
  };
}

/** The machine's own firewall rules; only root may see them. */
export function machineRules(): string {
  return spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8', env: { ...process.env, PATH } }).stdout;
}

/** Every process that came from the lab: by the bundle it runs, or as one of its tools with our marks. */
export function processes(): { pid: number; command: string }[] {
  const marks =
    /dist\/(?:lab|worker|router|client-|server-)|--kill-child|\/run\/netns\/|tcpdump -i (?:in|out)side|conntrack -E/;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return marks.test(command) ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}

/** Every namespace some process is in. A zombie has ended; when it is reaped is its parent's affair, here init's. */
function namespaces(): string[] {
  const found = new Set<string>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && !isZombie(entry))) {
    for (const kind of ['net', 'mnt', 'pid', 'user']) {
      try {
        found.add(readlinkSync(`/proc/${name}/ns/${kind}`));
      } catch {
        // The process went, or is not ours to look at.
      }
    }
  }
  return [...found].sort();
}

function isZombie(pid: string): boolean {
  try {
    return (readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1)?.slice(0, 3) ?? '').includes(' Z ');
  } catch {
    return true;
  }
}

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

/** Waits for a condition with a deadline. */
export async function eventually<T>(
  look: () => T | undefined | false,
  what: string,
  seconds = 15,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../src/verdict/run-result';
import {
  descendants,
  documentIn,
  eventually,
  finished,
  LAB,
  PATH,
  ROOT,
  scratch,
  type Finished,
} from './support';

// A machine of a test's own. What a run leaves behind can only be told where nothing else happens: other
// tests, other people and the system itself make files, processes and namespaces all the time.

const isRoot = process.getuid?.() === 0;

/**
 * Makes the machine: an empty /tmp and /run, but for what is shared with it. Its first process ignores
 * SIGCHLD, so that the kernel reaps whatever is left to it.
 */
const MAKE = `set -e
exec 8< "$1" 9< "$2"
mount -t tmpfs -o mode=1777 box /tmp
mount -t tmpfs -o mode=755 box /run
for fd in 8 9; do
  mkdir -p "$1"
  mount --no-mtab --no-canonicalize --rbind /proc/self/fd/$fd "$1"
  shift
done
exec 8<&- 9<&-
ip link set lo up
echo made
exec env --ignore-signal=CHLD sleep infinity`;

const OWN = ['--mount', '--net', '--pid'];

/** A program that runs in a box. */
export interface BoxedProgram {
  /** its id as this machine knows it, once it is there */
  readonly pid: Promise<number>;
  readonly ended: Promise<Finished>;
  /** what it has said on its standard error so far */
  readonly said: () => string;
}

/**
 * Namespaces of their own for mounts, processes and the network, with their own /tmp and /run: programs in
 * there see the project, one folder of the test's and nothing else of this machine, under the same paths.
 */
export class Box {
  private constructor(
    /** the folder that is the same here and in there */
    readonly share: string,
    /** its first process, as this machine knows it */
    private readonly init: number,
  ) {}

  /** Makes one. It goes when the test file is done; should the tests be killed, with them. */
  static async make(): Promise<Box> {
    const share = scratch();
    // An ordinary user must get to its folder in there.
    chmodSync(share, 0o755);
    const user = isRoot ? [] : ['--user', '--map-root-user'];
    const child = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'unshare', ...user, ...OWN, '--fork', '--kill-child', '--mount-proc'],
        ...['sh', '-c', MAKE, 'sh', ROOT, share],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH } },
    );
    boxes.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`no box can be made: ${said}`);
      return said === 'made\n';
    }, 'the box is made');
    const [first] = descendants(child.pid ?? 0);
    if (!first) throw new Error(`the box has no process: ${said}`);
    return new Box(share, first.pid);
  }

  /** A folder of a test's own, in the one that is the same here and in there. */
  scratch(): string {
    return scratch(this.share);
  }

  /** The command that runs a program in there, as the user that the tests have. */
  command(argv: readonly string[], cwd = this.share): string[] {
    const enter = ['nsenter', '--target', String(this.init), ...OWN];
    const there = ['env', `--chdir=${cwd}`, ...argv];
    if (isRoot) return [...enter, ...there];
    // What the lab meets with an ordinary user is not a root of a user namespace.
    const ordinary = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];
    return [...enter, '--user', '--preserve-credentials', ...ordinary, ...there];
  }

  start(argv: readonly string[], cwd?: string): BoxedProgram {
    const [program = '', ...args] = this.command(argv, cwd);
    const entering = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH },
    });
    const ended = finished(entering);
    let said = '';
    entering.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    // nsenter stays outside, and ends as the program does that it has started in there.
    const pid = eventually(() => {
      if (entering.exitCode !== null) throw new Error(`${argv.join(' ')} ended before it was seen`);
      return descendants(entering.pid ?? 0)[0]?.pid;
    }, 'the program is there');
    pid.catch(() => undefined);
    return { pid, ended, said: () => said };
  }

  /** Runs a program to its end. */
  run(argv: readonly string[], cwd?: string): Promise<Finished> {
    return this.start(argv, cwd).ended;
  }

  /** Runs the lab's CLI to its end. */
  lab(args: readonly string[], cwd?: string): Promise<Finished> {
    return this.run([process.execPath, LAB, ...args], cwd);
  }

  /** Runs scenarios with --json and reads the document. */
  async runs(args: readonly string[], cwd?: string): Promise<Finished & { runs: RunResult[] }> {
    const done = await this.lab(['run', '--json', ...args], cwd);
    return { ...done, runs: documentIn(done) };
  }

  /** All that runs in there, by the ids it has there, but for its first process, which is the box's own. */
  processes(): string[] {
    const proc = `/proc/${this.init}/root/proc`;
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name) && name !== '1')
      .flatMap((name) => {
        try {
          return [`${name} ${readFileSync(join(proc, name, 'cmdline'), 'utf8').replaceAll('\0', ' ')}`];
        } catch {
          // It has ended since.
          return [];
        }
      });
  }

  /** Waits until nothing runs in there any more. */
  async quiet(): Promise<void> {
    await eventually(
      () => this.processes().length === 0,
      () => `nothing runs any more, but ${this.processes().join(', ')} does`,
    );
  }

  /** All that a run could change in there, by name. A namespace lives by processes and mounts alone. */
  state(): Record<string, readonly string[]> {
    const own = `/proc/${this.init}`;
    const lines = (file: string): string[] => readFileSync(file, 'utf8').split('\n');
    return {
      processes: this.processes(),
      mounts: lines(`${own}/mountinfo`),
      links: lines(`${own}/net/dev`).map((line) => line.split(':')[0] ?? ''),
      routes: lines(`${own}/net/route`),
      ...this.network(),
      files: ['/tmp', '/run'].flatMap((folder) =>
        readdirSync(`${own}/root${folder}`).map((name) => join(folder, name)),
      ),
    };
  }

  /**
   * Runs a script as whoever may do everything in there.
   *
   * @returns what it printed
   */
  asRoot(script: string): string {
    const enter = isRoot ? [] : ['--user', '--preserve-credentials'];
    const { stdout, stderr, status } = spawnSync(
      'nsenter',
      ['--target', String(this.init), ...OWN, ...enter, 'sh', '-c', script],
      { encoding: 'utf8', env: { ...process.env, PATH } },
    );
    if (status !== 0) throw new Error(`“${script}” failed in the box: ${stderr}`);
    return stdout;
  }

  /** What only a program in there can tell: the network's settings, and the firewall's rules. */
  private network(): { settings: readonly string[]; rules: readonly string[] } {
    const stdout = this.asRoot('sysctl --all --pattern "^net\\\\." 2> /dev/null; echo; nft list ruleset');
    const [settings = '', ...rules] = stdout.split('\n\n');
    // How many entries there are just now is no setting.
    const set = settings.split('\n').filter((line) => !line.startsWith('net.netfilter.nf_conntrack_count '));
    return { settings: set, rules };
  }
}

const boxes: ChildProcess[] = [];
afterAll(async () => {
  await Promise.all(
    boxes.map(async (box) => {
      const gone = new Promise((resolve) => box.once('close', resolve));
      box.kill('SIGKILL');
      if (box.exitCode === null && box.signalCode === null) await gone;
    }),
  );
});

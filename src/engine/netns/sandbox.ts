import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readMessages } from '../../agent/messages';
import type { Plan } from '../../plan/plan';
import { howEnded, LabFailure, MissingCapability, RefusedRows, type Listener, type Runner } from '../host';
import type { FromWorker, ToWorker } from './protocol';

/** The worker's end is awaited this long before the sandbox is killed. */
const END_SECONDS = 2;

/** What every sandbox has of its own. `--kill-child` has the kernel end it when unshare ends. */
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
/**
 * /run becomes a tmpfs: `ip netns` keeps its handles there, and the run its files. Without --no-mtab mount(8)
 * would first make a folder /run/mount on the machine.
 */
const OWN_RUN = 'mount --no-mtab -t tmpfs -o mode=755 lab /run && exec "$@"';

/**
 * The command that runs a program in a sandbox: namespaces of its own for users (unless root),
 * network, mounts and processes. Whatever happens in there ends with its first process.
 *
 * `setpriv --pdeathsig` has the kernel kill unshare when the lab dies (prctl(2), PR_SET_PDEATHSIG).
 * Should the lab die before that is set, the program finds its input closed.
 *
 * Without root there are two user namespaces, one in the other. In the outer one the user is root, as
 * mount(8) demands. In the inner one, which owns the network, the user has every capability but not
 * the number 0: at 0 tcpdump would change its groups, which a user namespace of this kind forbids
 * (user_namespaces(7), /proc/PID/setgroups), and end.
 */
export function sandboxCommand(argv: readonly string[]): string[] {
  const tied = ['setpriv', '--pdeathsig', 'KILL', 'unshare'];
  if (process.getuid?.() === 0) return [...tied, ...NAMESPACES, 'sh', '-c', OWN_RUN, 'sh', ...argv];
  return [
    ...[...tied, '--user', '--map-root-user', '--mount', 'sh', '-c', OWN_RUN, 'sh'],
    ...['unshare', '--user', '--map-user=1', '--map-group=1', '--keep-caps', ...NAMESPACES, ...argv],
  ];
}

/** A worker running in a sandbox of its own, holding its hosts until released. */
export class Sandbox<Result> implements Runner<Result> {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly ended: Promise<string>;
  private answer: (message: FromWorker<Result>) => void = () => undefined;
  private errors = '';

  constructor(worker: string, listener: Listener) {
    const [program = '', ...args] = sandboxCommand([process.execPath, worker]);
    // In a session of its own: a Ctrl-C on the terminal is for the lab, which then takes this down whole.
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.child.stdin.on('error', () => undefined);
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString('utf8')).slice(-4000);
    });
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code === 'ENOENT' ? `${program} is not installed` : error.message);
      });
      this.child.once('close', (code, signal) => {
        resolve(`the sandbox ended (${howEnded({ code, signal })}) ${this.errors.trim()}`.trim());
      });
    });
    readMessages<FromWorker<Result>>(this.child.stdout, (message) => {
      if (message.type === 'progress') listener.onProgress(message.text);
      else if (message.type === 'alive') listener.onAlive();
      else this.answer(message);
    });
  }

  /**
   * Has the worker run a plan.
   *
   * @throws RefusedRows, MissingCapability or LabFailure, as the worker found
   */
  async run(plan: Plan): Promise<Result> {
    const answer = await this.ask({ type: 'plan', plan });
    switch (answer.type) {
      case 'result':
        return answer.result;
      case 'refused':
        throw new RefusedRows(answer.rows);
      case 'missing':
        throw new MissingCapability(answer.message, answer.remedy);
      case 'failed':
        throw new LabFailure(answer.message);
      default:
        throw new LabFailure(`the worker answered "${answer.type}" to a plan`);
    }
  }

  /**
   * Has the worker check the rules of plans.
   *
   * @returns the first that is refused, and why; null when none is
   * @throws LabFailure when it cannot
   */
  async check(
    plans: readonly Plan[],
  ): Promise<{ readonly plan: number; readonly refused: RefusedRows } | null> {
    const answer = await this.ask({ type: 'check', plans });
    if (answer.type === 'checked') return null;
    if (answer.type === 'refused') return { plan: answer.plan, refused: new RefusedRows(answer.rows) };
    throw new LabFailure(answer.type === 'failed' ? answer.message : `the worker answered "${answer.type}"`);
  }

  /** Has the worker keep evidence, then takes the sandbox down. Returns the captures' names. */
  async keepAndStop(directory: string): Promise<readonly string[]> {
    try {
      const answer = await this.ask({ type: 'release', evidence: directory });
      return answer.type === 'kept' ? answer.captures : [];
    } finally {
      await this.stop();
    }
  }

  /** Takes the sandbox down. Nothing in it is worth a farewell: the kernel removes it as a whole. */
  async stop(): Promise<void> {
    this.child.stdin.end();
    this.child.kill('SIGKILL');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_SECONDS * 1000);
    await this.ended;
    clearTimeout(timer);
  }

  private ask(message: ToWorker): Promise<FromWorker<Result>> {
    return new Promise((resolve, reject) => {
      this.answer = resolve;
      void this.ended.then((how) => {
        reject(new LabFailure(how));
      });
      this.child.stdin.write(`${JSON.stringify(message)}\n`);
    });
  }
}

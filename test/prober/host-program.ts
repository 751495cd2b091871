import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { readMessages, type AgentReport } from '../../src/agent/messages';
import { eventually, ROOT } from '../support';

/** The system tools are not in an ordinary user's PATH on Debian. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;

type Kind = AgentReport['type'];
export type Report<K extends Kind> = Extract<AgentReport, { type: K }>;

const running = new Set<HostProgram>();
// A test that fails before it says goodbye leaves nothing behind.
afterEach(() => {
  for (const program of running) program.kill();
});

/** A built host program, by the name of its bundle. */
export function bundle(name: string): string {
  return join(ROOT, 'dist', `${name}.js`);
}

/** A host program under test: spoken to as the lab does, in JSON lines. */
export class HostProgram {
  readonly reports: AgentReport[] = [];
  stderr = '';
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcessWithoutNullStreams;
  private code: number | null | undefined;

  constructor(argv: readonly string[]) {
    const [program = '', ...args] = argv;
    this.child = spawn(program, args, { env: { ...process.env, PATH } });
    readMessages<AgentReport>(this.child.stdout, (report) => this.reports.push(report));
    this.child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString('utf8')));
    running.add(this);
    // It may be gone before it has read everything: its exit code tells.
    this.child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => {
        this.code = code;
        running.delete(this);
        resolve(code);
      });
    });
  }

  tell(message: object): void {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  of<K extends Kind>(type: K): Report<K>[] {
    return this.reports.filter((report): report is Report<K> => report.type === type);
  }

  /** The first report of a kind that fits. */
  heard<K extends Kind>(type: K, fits: (report: Report<K>) => boolean = () => true): Promise<Report<K>> {
    return eventually(() => {
      const found = this.of(type).find(fits);
      if (!found && this.code !== undefined) {
        throw new Error(`it ended with ${String(this.code)} before "${type}": ${this.stderr}`);
      }
      return found;
    }, `a report "${type}"`);
  }

  /** What a command was answered with. */
  async obeys(command: { readonly id: number; readonly do: string }): Promise<Report<'done'>> {
    this.tell(command);
    return this.heard('done', ({ id }) => id === command.id);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Closes its input, as the end of the lab does. */
  leave(): Promise<number | null> {
    this.child.stdin.end();
    return this.ended;
  }
}

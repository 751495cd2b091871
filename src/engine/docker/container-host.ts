import { constants } from 'node:os';
import { PassThrough, Writable } from 'node:stream';
import type Dockerode from 'dockerode';
import { LabFailure, type Exit, type Host, type HostProcess } from '../host';
import { gather } from '../process';
import { until } from '../until';
import { pause } from '../../agent/pause';
import { demux } from './demux';
import type { Errands } from './errands';

/** The engine's word for how an exec ended may come a moment after its output did. */
const EXIT_SECONDS = 10;
/** How long after its container an exec may take to be told of. */
const GONE_SECONDS = 0.5;
/** Tells the program's process id, in the container's namespace, on the first line of its error output. */
const TELL_PID = ['sh', '-c', 'echo $$ >&2; exec "$@"', 'sh'];

/** A host that is a container: programs are run by the engine's exec, files read by an errand. */
export function containerHost(container: Dockerode.Container, errands: Errands): Host {
  const spawn = (label: string, argv: readonly string[]): HostProcess =>
    startExec(label, argv, container, errands);
  return {
    exec: async (argv, options) => {
      const running = spawn(argv.join(' '), argv);
      await running.pid;
      return gather(running, options?.input);
    },
    spawn,
    read: (path, from = 0) => errands.read(path, from),
  };
}

function startExec(
  label: string,
  argv: readonly string[],
  container: Dockerode.Container,
  errands: Errands,
): HostProcess {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let known: (pid: number) => void = () => undefined;
  let unknown: (error: Error) => void = () => undefined;
  const pid = new Promise<number>((resolve, reject) => {
    known = resolve;
    unknown = reject;
  });
  // Whoever needs it awaits it; that nobody does is no error.
  pid.catch(() => undefined);
  const run = async (): Promise<Exit> => {
    const exec = await container.exec({
      Cmd: [...TELL_PID, ...argv],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const output = new ProgramOutput(stdout, stderr, known);
    demux(container, stream, output.stdout, output.stderr);
    stdin.on('error', () => undefined).pipe(stream);
    await Promise.race([endOf(stream), errands.ended]);
    stream.destroy();
    output.finish();
    return exitOf(exec);
  };
  // Of an exec that begins or ends as its container goes the engine may never tell.
  const swept = errands.ended
    .then(() => pause(GONE_SECONDS))
    .then((): Exit => ({ code: null, signal: 'SIGKILL' }));
  const exited = Promise.race([run(), swept])
    .catch((error: unknown): Exit => {
      // As a program that cannot be started: told by its exit, with the engine's words beside it.
      const why = error instanceof Error ? error.message : String(error);
      unknown(new LabFailure(`can't run ${label} on the ${errands.host} host: ${why}`));
      stderr.write(`the engine says: ${why}\n`);
      return { code: 127, signal: null };
    })
    .then((exit) => {
      unknown(new LabFailure(`${label} on the ${errands.host} host ended before it began`));
      stdout.end();
      stderr.end();
      return exit;
    });
  return {
    label,
    pid,
    stdin,
    stdout,
    stderr,
    exited,
    kill: (signal) => {
      pid.then(
        (id) => {
          errands.kill(id, signal);
        },
        () => undefined,
      );
    },
  };
}

/**
 * Passes a program's output on from the moment its process id has come, which is the first line of its
 * error output. What comes before that is the engine's own, saying why there is no program.
 */
class ProgramOutput {
  readonly stdout = sink((chunk) => {
    if (this.begun) this.toStdout.write(chunk);
    else this.early.push(chunk);
  });
  readonly stderr = sink((chunk) => {
    if (this.begun) this.toStderr.write(chunk);
    else this.begin(chunk);
  });
  private begun = false;
  private head = '';
  /** the two streams have no order between them: this may be the program's already */
  private readonly early: Buffer[] = [];

  constructor(
    private readonly toStdout: PassThrough,
    private readonly toStderr: PassThrough,
    private readonly tellPid: (pid: number) => void,
  ) {}

  /** @throws when there was no program, with the engine's words */
  finish(): void {
    if (!this.begun) throw new Error(`${this.head}${Buffer.concat(this.early).toString('utf8')}`.trim());
  }

  private begin(chunk: Buffer): void {
    this.head += chunk.toString('latin1');
    const end = this.head.indexOf('\n');
    if (end < 0) return;
    this.begun = true;
    this.tellPid(Number(this.head.slice(0, end)));
    const rest = Buffer.from(this.head.slice(end + 1), 'latin1');
    if (rest.length > 0) this.toStderr.write(rest);
    for (const held of this.early) this.toStdout.write(held);
  }
}

function sink(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk);
      done();
    },
  });
}

function endOf(stream: NodeJS.ReadWriteStream): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      resolve();
    };
    stream.once('end', end).once('close', end).once('error', end);
  });
}

/**
 * How an exec ended. The engine knows exit codes only, and a signal's as shells count it, 128 and its
 * number; programs that return such a code themselves do so to report a signal, too.
 */
async function exitOf(exec: Dockerode.Exec): Promise<Exit> {
  const codes: number[] = [];
  await until(async () => {
    const { Running, ExitCode } = await exec.inspect();
    if (!Running && ExitCode !== null) codes.push(ExitCode);
    return codes.length > 0;
  }, EXIT_SECONDS).catch(() => false);
  const [code] = codes;
  // A container that is gone took its programs with it.
  if (code === undefined) return { code: null, signal: 'SIGKILL' };
  const number = code - 128;
  const signal = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return signal === undefined ? { code, signal: null } : { code: null, signal: signal as NodeJS.Signals };
}

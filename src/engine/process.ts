import { spawn } from 'node:child_process';
import { LabFailure, type ExecResult, type Exit, type HostProcess } from './host';

/** A program's output is kept up to here; more is an error of ours, not a reason to swap. */
const MAX_OUTPUT = 64 * 2 ** 20;

/** Starts a program. Its failure to start is reported through `exited` as code 127. */
export function start(label: string, argv: readonly string[]): HostProcess {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that ends while we write to it is reported by its exit, not by a broken pipe.
  child.stdin.on('error', () => undefined);
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', () => {
      resolve({ code: 127, signal: null });
    });
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  const pid = new Promise<number>((resolve, reject) => {
    if (child.pid === undefined) child.once('error', reject);
    else resolve(child.pid);
  });
  // Whoever needs it awaits it; that nobody does is no error.
  pid.catch(() => undefined);
  return {
    label,
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    kill: (signal) => child.kill(signal),
  };
}

/**
 * Runs a program to its end and returns all it printed.
 *
 * @throws when it cannot be started, or prints more than 64 MiB
 */
export async function run(argv: readonly string[], options: { input?: string } = {}): Promise<ExecResult> {
  const process = start(argv.join(' '), argv);
  await process.pid;
  return gather(process, options.input);
}

/**
 * Feeds a program its input and collects all it prints until it ends.
 *
 * @throws when it prints more than 64 MiB
 */
export async function gather(process: HostProcess, input = ''): Promise<ExecResult> {
  let size = 0;
  const collect = (stream: NodeJS.ReadableStream): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_OUTPUT) chunks.push(chunk);
        else {
          process.kill('SIGKILL');
          reject(new Error(`${process.label} printed more than ${MAX_OUTPUT} bytes`));
        }
      });
      stream.once('close', () => {
        resolve(Buffer.concat(chunks));
      });
    });
  const output = Promise.all([collect(process.stdout), collect(process.stderr)]);
  process.stdin.end(input);
  const [[stdout, stderr], exit] = await Promise.all([output, process.exited]);
  return { ...exit, stdout, stderr: stderr.toString('utf8') };
}

/** @throws LabFailure with what the program printed, when it ends with anything but 0 */
export async function must(what: string, running: Promise<ExecResult>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new LabFailure(`can't ${what}: ${stderr.trim()}`);
}

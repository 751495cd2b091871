import { spawn } from 'node:child_process';
import { LabFailure, type ExecResult, type HostProcess } from './host';

/** A program's output is kept up to here; more is an error of ours, not a reason to swap. */
const MAX_OUTPUT = 256 * 2 ** 20;

/** Starts a program. Its failure to start is reported through `exited` as code 127. */
export function start(label: string, argv: readonly string[]): HostProcess {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that ends while we write to it is reported by its exit, not by a broken pipe.
  child.stdin.on('error', () => undefined);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', () => {
      resolve({ code: 127, signal: null });
    });
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  return {
    label,
    pid: Promise.resolve(child.pid ?? -1),
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
 * @throws when it cannot be started, or prints more than 256 MiB
 */
export function run(argv: readonly string[], options: { input?: string } = {}): Promise<ExecResult> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) {
        child.kill('SIGKILL');
        reject(new Error(`${argv.join(' ')} printed more than ${MAX_OUTPUT} bytes`));
        return;
      }
      into.push(chunk);
    };
    child.once('error', reject);
    child.stdout.on('data', collect(stdout));
    child.stderr.on('data', collect(stderr));
    child.once('close', (code, signal) => {
      resolve({
        code,
        signal,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** @throws LabFailure with what the program printed, when it ends with anything but 0 */
export async function must(what: string, running: Promise<ExecResult>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new LabFailure(`can't ${what}: ${stderr.trim()}`);
}

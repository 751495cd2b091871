import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sandboxCommand } from '../../src/engine/netns/sandbox';
import { builtKernels, findKernel, type WarpKernel } from '../../src/engine/timewarp/kernels';
import { bootCommand, type MachineFiles } from '../../src/engine/timewarp/machine';
import { describeWhere } from '../docker/engine';
import { takeProcessor } from '../../src/engine/timewarp/processors';
import { ROOT, scratch } from '../support';

/** Tests that need a kernel for time travel. */
export function describeTimewarp(name: string, tests: (kernel: () => WarpKernel) => void): void {
  const missing = builtKernels().length === 0 ? 'no kernel is built: npm run timewarp:build' : undefined;
  describeWhere(missing, name, () => {
    tests(() => findKernel(null));
  });
}

/** What a machine boots with: the lab's own start, and this worker. */
export function machineFiles(worker = join(ROOT, 'dist/worker.js')): MachineFiles {
  return { init: join(ROOT, 'dist/timewarp-init.sh'), worker };
}

/** The command that boots a machine whose worker is this program of Node's. */
export function machineCommand(kernel: WarpKernel, source: string): string[] {
  const worker = join(scratch(), 'worker.js');
  writeFileSync(worker, source);
  return sandboxCommand(bootCommand(kernel, machineFiles(worker), takeProcessor().number));
}

/** Such a machine, with its console as standard input and output. */
export function startMachine(kernel: WarpKernel, source: string): ChildProcessWithoutNullStreams {
  const [program = '', ...args] = machineCommand(kernel, source);
  return spawn(program, args, { stdio: 'pipe' });
}

/** The first line that such a machine says; then it is ended. */
export async function firstLine(kernel: WarpKernel, source: string): Promise<string> {
  const machine = startMachine(kernel, source);
  try {
    for await (const line of createInterface({ input: machine.stdout })) return line;
    throw new Error('the machine ended and had said nothing');
  } finally {
    machine.kill('SIGKILL');
  }
}

import type { Capability } from '../host';
import { probeCapabilities, requireTools, toolCapability } from '../netns/capabilities';
import { sandboxCommand } from '../netns/sandbox';
import { run } from '../process';
import { builtKernels, findKernel, type WarpKernel } from './kernels';
import { bootCommand } from './machine';
import { takeProcessor } from './processors';

/** Tools the machine needs beside those of a sandbox. */
const TOOLS = ['modprobe', 'rmmod', 'stty', 'taskset'];

/** Real seconds in which a machine that is only tried must have slept. */
const PATIENCE = 60;

/**
 * Makes sure that a machine can be started. Cheap enough for every run.
 *
 * @param kernel its version; null: whichever there is
 *
 * @throws MissingCapability naming what is not there
 */
export function requireTimewarp(kernel: string | null): void {
  requireTools('timewarp', TOOLS);
  findKernel(kernel);
}

/**
 * Tries all that the engine needs, and every kernel that has been built.
 *
 * @param init process 1 of a machine that is only tried: it sleeps for a quarter of an hour, and says so
 */
export async function probeTimewarp(init: string): Promise<Capability[]> {
  const sandbox = (await probeCapabilities()).filter(({ works }) => !works);
  const tools = TOOLS.map(toolCapability);
  const kernels = builtKernels();
  if (sandbox.length > 0) return [...sandbox, ...tools];
  if (kernels.length === 0) {
    const [name, why] = ['kernel for time travel', 'has not been built'];
    return [...tools, { name, works: false, why, remedy: 'npm run timewarp:build (three to ten minutes)' }];
  }
  return [...tools, ...(await Promise.all(kernels.map((kernel) => tryKernel(kernel, init))))];
}

async function tryKernel(kernel: WarpKernel, init: string): Promise<Capability> {
  const name = `Linux ${kernel.release} for time travel`;
  const processor = takeProcessor();
  const boot = bootCommand(kernel, { init, worker: init }, processor.number);
  const began = performance.now();
  const { stdout, stderr } = await run(['timeout', String(PATIENCE), ...sandboxCommand(boot)]);
  processor.release();
  const works = stdout.toString('utf8').includes('slept');
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  return {
    name,
    works,
    why: works ? `slept 900 s in ${seconds} s` : `does not run: ${stderr.trim().split('\n').at(-1) ?? ''}`,
    remedy: works ? '' : `npm run timewarp:build -- --force --kernel ${kernel.version}`,
  };
}

import { release } from 'node:os';
import { join } from 'node:path';
import { DockerRunner } from './docker-runner';
import { probeDocker } from './engine/docker/capabilities';
import { dockerRuntime } from './engine/docker/runtime';
import type { Capability, Runner } from './engine/host';
import { probeCapabilities, requireTools, whatIsMissing } from './engine/netns/capabilities';
import { Sandbox } from './engine/netns/sandbox';
import { findKernel, releaseOf } from './engine/timewarp/kernels';
import { Machine } from './engine/timewarp/machine';
import { probeTimewarp, requireTimewarp } from './engine/timewarp/capabilities';
import type { Experiment } from './experiment';
import { BUNDLE_DIRECTORY, PROJECT_DIRECTORY } from './paths';
import type { EngineName } from './plan/plan';

/** What the lab runs its hosts on. */
export interface Engine {
  /**
   * A quick look at whether it can be used here.
   *
   * @param kernel version of the hosts' kernel where there is a choice; null: whichever there is
   *
   * @throws MissingCapability when it cannot
   */
  require(kernel: string | null): Promise<void>;
  runner(onProgress: (text: string) => void, kernel: string | null): Runner<Experiment>;
  /** What stands in the way of a run that failed; null when nothing does. */
  whatIsMissing(): Promise<Capability | null>;
  /** Tries all that a run needs, for the doctor. */
  probe(): Promise<readonly Capability[]>;
  /** The release of the kernel its hosts run on. */
  kernel(kernel: string | null): Promise<string>;
}

const MACHINE_INIT = join(BUNDLE_DIRECTORY, 'timewarp-init.sh');
const MACHINE_PROBE = join(BUNDLE_DIRECTORY, 'timewarp-probe.sh');
const WORKER = join(BUNDLE_DIRECTORY, 'worker.js');

export const ENGINES: Readonly<Record<EngineName, Engine>> = {
  netns: {
    require: () =>
      Promise.resolve().then(() => {
        requireTools('netns');
      }),
    runner: (onProgress) => new Sandbox<Experiment>([process.execPath, WORKER], onProgress),
    whatIsMissing,
    probe: probeCapabilities,
    kernel: () => Promise.resolve(release()),
  },
  docker: {
    require: async () => {
      await dockerRuntime();
    },
    runner: (onProgress) => new DockerRunner(onProgress),
    // Whatever is missing its own calls have named.
    whatIsMissing: () => Promise.resolve(null),
    probe: () => probeDocker(PROJECT_DIRECTORY),
    kernel: async () => (await dockerRuntime().catch(() => null))?.kernel ?? release(),
  },
  timewarp: {
    require: (kernel) =>
      Promise.resolve().then(() => {
        requireTimewarp(kernel);
      }),
    runner: (onProgress, kernel) =>
      new Machine<Experiment>(findKernel(kernel), { init: MACHINE_INIT, worker: WORKER }, onProgress),
    whatIsMissing,
    probe: () => probeTimewarp(MACHINE_PROBE),
    kernel: (kernel) => Promise.resolve(releaseOf(kernel)),
  },
};

import { release } from 'node:os';
import { join } from 'node:path';
import { DockerRunner } from './docker-runner';
import { probeDocker } from './engine/docker/capabilities';
import { dockerRuntime } from './engine/docker/runtime';
import type { Capability, Listener, RefusedRows, Runner } from './engine/host';
import { probeCapabilities, requireTools, whatIsMissing } from './engine/netns/capabilities';
import { Sandbox } from './engine/netns/sandbox';
import type { Experiment } from './experiment';
import { BUNDLE_DIRECTORY, PROJECT_DIRECTORY } from './paths';
import type { EngineName, Plan } from './plan/plan';

/** What the lab runs its hosts on. */
export interface Engine {
  /**
   * A quick look at whether it can be used here.
   *
   * @throws MissingCapability when it cannot
   */
  require(): Promise<void>;
  runner(listener: Listener): Runner<Experiment>;
  /**
   * Has the rules of plans read where they harm nothing; null where that costs as much as a run.
   *
   * @returns the first plan whose rules are refused, by its place; null when none are
   */
  readonly check:
    | ((plans: readonly Plan[]) => Promise<{ readonly plan: number; readonly refused: RefusedRows } | null>)
    | null;
  /** What stands in the way of a run that failed; null when nothing does. */
  whatIsMissing(): Promise<Capability | null>;
  /** Tries all that a run needs, for the doctor. */
  probe(): Promise<readonly Capability[]>;
  /** The release of the kernel its hosts run on. */
  kernel(): Promise<string>;
}

const sandbox = (listener: Listener): Sandbox<Experiment> =>
  new Sandbox(join(BUNDLE_DIRECTORY, 'worker.js'), listener);

export const ENGINES: Readonly<Record<EngineName, Engine>> = {
  netns: {
    require: () => Promise.resolve().then(requireTools),
    runner: sandbox,
    check: async (plans) => {
      const scratch = sandbox({ onProgress: () => undefined, onAlive: () => undefined });
      return await scratch.check(plans).finally(() => scratch.stop());
    },
    whatIsMissing,
    probe: probeCapabilities,
    kernel: () => Promise.resolve(release()),
  },
  docker: {
    require: async () => {
      await dockerRuntime();
    },
    runner: (listener) => new DockerRunner(listener),
    check: null,
    // Whatever is missing its own calls have named.
    whatIsMissing: () => Promise.resolve(null),
    probe: () => probeDocker(PROJECT_DIRECTORY),
    kernel: async () => (await dockerRuntime().catch(() => null))?.kernel ?? release(),
  },
};

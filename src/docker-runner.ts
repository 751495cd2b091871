import { Containers, removeLeftovers } from './engine/docker/containers';
import { imagesFor, startContainerHosts } from './engine/docker/hosts';
import { ensureImages } from './engine/docker/images';
import { dockerRuntime } from './engine/docker/runtime';
import { LabFailure, type Lab, type Listener, type Runner } from './engine/host';
import { experiment, type Experiment } from './experiment';
import { keepEvidence } from './observe/evidence';
import { PROJECT_DIRECTORY } from './paths';
import type { Plan } from './plan/plan';

/** Runs a plan on containers, from this process: what the worker does inside the netns sandbox. */
export class DockerRunner implements Runner<Experiment> {
  private containers: Containers | undefined;
  private lab: Lab | undefined;
  private stopped = false;

  constructor(private readonly listener: Listener) {}

  async run(plan: Plan): Promise<Experiment> {
    const { onProgress } = this.listener;
    const runtime = await dockerRuntime();
    // Labs that were killed are cleared away while this one starts.
    const clearing = removeLeftovers(runtime).catch(() => undefined);
    const options = { project: PROJECT_DIRECTORY, base: null, onProgress };
    await ensureImages(runtime, Object.values(imagesFor(plan)), options);
    if (this.stopped) throw new LabFailure('stopped before it began');
    onProgress('starting containers');
    const containers = new Containers(runtime);
    this.containers = containers;
    try {
      this.lab = await startContainerHosts(runtime, containers, plan, PROJECT_DIRECTORY);
      const result = await experiment(this.lab, this.listener);
      const broke = result.failure === null ? null : await containers.whatBroke();
      return { ...result, failure: broke ?? result.failure };
    } catch (error) {
      const broke = error instanceof LabFailure ? await containers.whatBroke() : null;
      throw broke === null ? error : new LabFailure(broke, { cause: error });
    } finally {
      await clearing;
    }
  }

  async keepAndStop(directory: string): Promise<readonly string[]> {
    try {
      return this.lab ? await keepEvidence(this.lab, directory) : [];
    } finally {
      await this.stop();
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.containers?.stop();
  }
}

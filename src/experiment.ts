import { howEnded, LabFailure, type HostProcess, type Lab, type Listener } from './engine/host';
import type { Observation } from './observe/event';
import { partialObservation, Watch } from './observe/watch';
import type { HostReport } from './engine/agent-process';
import type { Plan } from './plan/plan';
import { Session } from './session/run-session';

/** What an experiment gives: all that was seen, and why it broke off, if it did. */
export interface Experiment {
  readonly observation: Observation;
  /** the lab's own failure; null when the experiment ran to its end */
  readonly failure: string | null;
  /** the firewall as its start script made it; null where it is as planned */
  readonly started: Plan['firewall'] | null;
}

/**
 * Runs the session of a lab whose hosts exist, watched from every side. The lab stays as it is
 * afterwards, so that its state can be kept as evidence.
 *
 * @throws whatever keeps the lab from being wired; a failure after that is returned with what was seen
 */
export async function experiment(lab: Lab, { onProgress, onAlive }: Listener): Promise<Experiment> {
  const reports: HostReport[] = [];
  const session = new Session(lab.plan, lab, (report) => {
    reports.push(report);
    onAlive();
  });
  const planned = lab.plan.firewall;
  await lab.wire();
  const { firewall } = lab.plan;
  const started = firewall === planned ? null : firewall;
  try {
    const [watch] = await Promise.all([Watch.start(lab), session.ready()]);
    const steps = await Promise.race([
      session.run(onProgress, (at) => watch.sampleRules(at)),
      deaths(watch.processes),
      session.died,
    ]);
    onProgress('collecting what was seen');
    return { observation: await watch.finish(reports, steps), failure: null, started };
  } catch (error) {
    if (!(error instanceof LabFailure)) throw error;
    return { observation: partialObservation(lab, reports), failure: error.message, started };
  }
}

/** Rejects when one of the watchers ends, which none does by itself. */
async function deaths(processes: readonly HostProcess[]): Promise<never> {
  const [label, exit] = await Promise.race(
    processes.map(async (process) => [process.label, await process.exited] as const),
  );
  throw new LabFailure(`${label} ended in mid-run (${howEnded(exit)})`);
}

import { writeSync } from 'node:fs';
import { readMessages } from './agent/messages';
import { busiest } from './engine/busiest';
import { MissingCapability, RefusedRows, type Lab } from './engine/host';
import { startHosts } from './engine/netns/hosts';
import type { FromWorker, ToWorker } from './engine/netns/protocol';
import { loadModules } from './engine/timewarp/modules';
import { experiment, type Experiment } from './experiment';
import { keepEvidence } from './observe/evidence';
import type { Plan } from './plan/plan';

// The lab's worker: process 1 of the sandbox. Plan in, events out. When its input ends the lab that
// started it is gone; it exits, and the kernel takes everything in the sandbox down with it.
let lab: Lab | undefined;

readMessages<ToWorker>(
  process.stdin,
  (message) => {
    switch (message.type) {
      case 'plan':
        void work(message.plan);
        break;
      case 'release':
        void release(message.evidence);
        break;
      case 'busiest':
        void busiest().then((process) => {
          send({ type: 'busiest', process });
        });
    }
  },
  () => process.exit(0),
);
send({ type: 'ready' });

async function work(plan: Plan): Promise<void> {
  try {
    if (plan.engine === 'timewarp') await loadModules(plan);
    lab = await startHosts(plan);
    const result = await experiment(lab, (text) => {
      send({ type: 'progress', text });
    });
    send({ type: 'result', result });
  } catch (error) {
    send(failure(error));
  }
}

async function release(evidence: string | null): Promise<void> {
  const captures = evidence !== null && lab ? await keepEvidence(lab, evidence) : [];
  send({ type: 'kept', captures });
  process.exit(0);
}

function failure(error: unknown): FromWorker<Experiment> {
  if (error instanceof RefusedRows) return { type: 'refused', rows: [...error.rows] };
  if (error instanceof MissingCapability)
    return { type: 'missing', message: error.message, remedy: error.remedy };
  return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
}

/** Whole before anything else happens: where standard output is a console, Node’s own stream loses the end. */
function send(message: FromWorker<Experiment>): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
}

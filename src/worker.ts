import { readMessages } from './agent/messages';
import { MissingCapability, RefusedRows, type Lab } from './engine/host';
import { scratchHost, startHosts } from './engine/netns/hosts';
import type { FromWorker, ToWorker } from './engine/netns/protocol';
import { checkRuleset } from './engine/ruleset';
import { experiment, type Experiment } from './experiment';
import { keepEvidence } from './observe/evidence';
import type { Plan } from './plan/plan';

// The lab's worker: process 1 of the sandbox. Plan in, events out. When its input ends the lab that
// started it is gone; it exits, and the kernel takes everything in the sandbox down with it.
let lab: Lab | undefined;

/** Programs may report a thousand times a second; that they are alive the lab need not hear so often. */
const SIGN_OF_LIFE_MS = 1000;
let lastSign = Number.NEGATIVE_INFINITY;

readMessages<ToWorker>(
  process.stdin,
  (message) => {
    if (message.type === 'plan') void work(message.plan);
    else if (message.type === 'check') void check(message.plans);
    else void release(message.evidence);
  },
  () => process.exit(0),
);

async function work(plan: Plan): Promise<void> {
  try {
    lab = await startHosts(plan);
    const result = await experiment(lab, {
      onProgress: (text) => {
        send({ type: 'progress', text });
      },
      onAlive: showLife,
    });
    send({ type: 'result', result });
  } catch (error) {
    send(failure(error));
  }
}

async function check(plans: readonly Plan[]): Promise<void> {
  const host = await scratchHost();
  for (const [index, plan] of plans.entries()) {
    try {
      await checkRuleset(plan, host, '/run');
    } catch (error) {
      send(failure(error, index));
      return;
    }
  }
  send({ type: 'checked' });
}

async function release(evidence: string | null): Promise<void> {
  const captures = evidence !== null && lab ? await keepEvidence(lab, evidence) : [];
  send({ type: 'kept', captures });
  process.exit(0);
}

function showLife(): void {
  const now = performance.now();
  if (now - lastSign < SIGN_OF_LIFE_MS) return;
  lastSign = now;
  send({ type: 'alive' });
}

/** @param plan its place among those to check */
function failure(error: unknown, plan = 0): FromWorker<Experiment> {
  if (error instanceof RefusedRows) return { type: 'refused', rows: [...error.rows], plan };
  if (error instanceof MissingCapability)
    return { type: 'missing', message: error.message, remedy: error.remedy };
  return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
}

function send(message: FromWorker<Experiment>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

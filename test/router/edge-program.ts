import { startHosts } from '../../src/engine/netns/hosts';
import { makePlan } from '../../src/plan/make-plan';
import { findScenario } from '../../src/scenario/catalogue';
import { loadScenario } from '../../src/scenario/load';
import { CASES } from './edge-cases';

// Starts a lab with a Linux 2.2 firewall, runs every case in it, and prints a line for each. Runs inside the sandbox.
const [project = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const scenario = loadScenario(findScenario(`${project}/scenarios`, 'masq-passive'));
  const lab = await startHosts(makePlan(scenario, { capture: true, engine: 'netns' }));
  await lab.wire();
  for (const [name, run] of Object.entries(CASES)) {
    const error = await run(lab).then(
      () => null,
      (failure: unknown) => (failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)),
    );
    process.stdout.write(`${JSON.stringify({ name, error })}\n`);
  }
  process.exit(0);
}

void main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});

import { Containers } from '../../src/engine/docker/containers';
import { startContainerHosts } from '../../src/engine/docker/hosts';
import { dockerRuntime } from '../../src/engine/docker/runtime';
import type { Lab } from '../../src/engine/host';
import { startHosts } from '../../src/engine/netns/hosts';
import { makePlan } from '../../src/plan/make-plan';
import { loadScenario } from '../../src/scenario/load';
import { findScenario } from '../../src/scenario/catalogue';
import type { EngineName } from '../../src/plan/plan';
import { CASES } from './contract-cases';

// Starts a lab on one engine, runs every case of the contract in it, and prints a line for each. On
// netns it runs inside the sandbox, as the lab's worker does; on docker where the tests run.
const [engine, project, broken] = process.argv.slice(2) as [EngineName, string, string?];

async function main(): Promise<void> {
  const scenario = loadScenario(findScenario(`${project}/scenarios`, 'active-nat-helper'));
  const whole = makePlan(scenario, { capture: true, engine });
  // No link can have such a name, and the first one is there when the second is refused.
  const [first, second] = whole.links;
  const impossible = second && { a: { ...second.a, interface: 'a-name-too-long-for-a-link' }, b: second.b };
  const plan = broken && first && impossible ? { ...whole, links: [first, impossible] } : whole;
  const containers = engine === 'docker' ? new Containers(await dockerRuntime()) : null;
  try {
    const lab: Lab = containers
      ? await startContainerHosts(await dockerRuntime(), containers, plan, project)
      : await startHosts(plan);
    await lab.wire();
    for (const [name, run] of Object.entries(CASES)) {
      const error = await run(lab).then(
        () => null,
        (failure: unknown) =>
          failure instanceof Error ? (failure.stack ?? failure.message) : String(failure),
      );
      process.stdout.write(`${JSON.stringify({ name, error })}\n`);
    }
  } finally {
    await containers?.stop();
  }
  process.exit(0);
}

void main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});

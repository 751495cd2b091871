import { SCENARIO_DIRECTORY } from '../paths';
import { drawTopology } from '../report/topology';
import { rangesText } from '../agent/port-ranges';
import type { PlannedStep } from '../plan/plan';
import { makePlan } from '../plan/make-plan';
import { findScenario, scenarioNames } from '../scenario/catalogue';
import { CLAIMS } from '../scenario/claims';
import { loadScenario } from '../scenario/load';
import { sizeText } from '../scenario/quantities';
import { topologyOf } from '../verdict/judge';
import { EXIT } from './exit-codes';
import { style } from './terminal';

/** `lab list`: the scenarios that come with the lab. */
export function listCommand(flags: { json?: true }): number {
  const scenarios = scenarioNames(SCENARIO_DIRECTORY).map((name) =>
    loadScenario(findScenario(SCENARIO_DIRECTORY, name)),
  );
  if (flags.json) {
    const listed = scenarios.map(({ name, title, behind, firewall, tags, claims }) => ({
      name,
      title,
      behind,
      kind: firewall.kind,
      tags,
      claims: Object.keys(claims),
    }));
    process.stdout.write(`${JSON.stringify({ scenarios: listed }, null, 2)}\n`);
    return EXIT.held;
  }
  const look = style(process.stdout);
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, title, claims } of scenarios) {
    const ids = Object.keys(claims);
    process.stdout.write(
      `${look.bold(name.padEnd(width))}  ${title}${look.dim(ids.length > 0 ? `  (${ids.join(', ')})` : '')}\n`,
    );
  }
  return EXIT.held;
}

/** `lab show`: what a scenario would do, without doing it. */
export function showCommand(name: string, flags: { json?: true }): number {
  const scenario = loadScenario(findScenario(SCENARIO_DIRECTORY, name));
  const plan = makePlan(scenario, { capture: true, engine: 'netns' });
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(plan, null, 2)}\n`);
    return EXIT.held;
  }
  const look = style(process.stdout);
  const lines = [
    `${look.bold(scenario.name)} — ${scenario.title}`,
    `  ${scenario.claim}`,
    ...(scenario.twin === null ? [] : [`  Its passing twin: ${scenario.twin}`]),
    '',
    ...drawTopology(topologyOf(plan)).map((line) => `  ${line}`),
    ...(plan.firewall.ruleset.loader === 'sh'
      ? ['  Its start script may load a helper, and forward ports; the run shows what it did.']
      : []),
    '',
    look.bold('Session'),
    ...plan.steps.map(describeStep),
    '',
    look.bold('Expected'),
    ...scenario.expect.map(({ text }) => `  ${text}`),
    '',
    ...Object.entries(scenario.claims).flatMap(([id, { checks }]) => [
      look.bold(`${id} “${CLAIMS[id]?.text ?? ''}” is true if`),
      ...checks.map(({ text }) => `  ${text}`),
    ]),
    '',
    look.bold('Ruleset as loaded'),
    plan.firewall.ruleset.text,
  ];
  process.stdout.write(lines.join('\n'));
  return EXIT.held;
}

function describeStep(step: PlannedStep): string {
  if (step.kind === 'probe') {
    const { flags, from, sourcePorts, to, ports } = step;
    return `  ${step.name}: ${flags} from the ${from}'s ports ${sourcePorts.join(', ')} to the ${to}'s ports ${rangesText(ports)}`;
  }
  const { name, mode, direction, command, file } = step;
  const what = file ? `, ${sizeText(file.size)}${file.lasting > 0 ? ` over ${file.lasting} s` : ''}` : '';
  return `  ${name}: ${mode} ${direction} (${command})${what}`;
}

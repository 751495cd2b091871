import { SCENARIO_DIRECTORY } from '../paths';
import { forReport } from '../report/for-report';
import { jsonText } from '../report/json';
import { scaleText } from '../report/time-scale';
import { drawTopology } from '../report/topology';
import { rangesText } from '../agent/port-ranges';
import type { PlannedStep } from '../plan/plan';
import { makePlan } from '../plan/make-plan';
import { findScenario, scenarioNames } from '../scenario/catalogue';
import { CLAIMS } from '../scenario/claims';
import { loadScenario } from '../scenario/load';
import { secondsText, sizeText } from '../scenario/quantities';
import { topologyOf } from '../verdict/judge';
import { EXIT } from './exit-codes';
import { readable } from './print';
import { timeScaleOf, type ManyFlags } from './run-many';
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
    process.stdout.write(jsonText({ scenarios: listed }));
    return EXIT.held;
  }
  const look = style(process.stdout);
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, title, claims } of scenarios.map(forReport)) {
    const ids = Object.keys(claims);
    process.stdout.write(
      `${look.bold(name.padEnd(width))}  ${title}${look.dim(ids.length > 0 ? `  (${ids.join(', ')})` : '')}\n`,
    );
  }
  return EXIT.held;
}

export interface ShowFlags extends Pick<ManyFlags, 'timeScale' | 'realTime'> {
  readonly json?: true;
}

/** `lab show`: what a scenario would do, without doing it. */
export function showCommand(name: string, flags: ShowFlags): number {
  const read = loadScenario(findScenario(SCENARIO_DIRECTORY, name));
  const made = makePlan(read, { capture: true, engine: 'netns', timeScale: timeScaleOf(flags) });
  if (flags.json) {
    process.stdout.write(jsonText(made));
    return EXIT.held;
  }
  const [scenario, plan] = [forReport(read), forReport(made)];
  const look = style(process.stdout);
  const lines = [
    `${look.bold(scenario.name)} — ${scenario.title}`,
    `  ${scenario.claim}`,
    ...(scenario.twin === null ? [] : [`  Its passing twin: ${scenario.twin}`]),
    '',
    ...drawTopology(forReport(topologyOf(made))).map((line) => `  ${line}`),
    ...(plan.firewall.ruleset.loader === 'sh'
      ? ['  Its start script may load a helper, and forward ports; the run shows what it did.']
      : []),
    '',
    ...(plan.times.length === 0 ? [] : [look.bold('Time'), `  ${scaleText(plan)}`, '']),
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
    readable(made.firewall.ruleset.text),
  ];
  process.stdout.write(lines.join('\n'));
  return EXIT.held;
}

function describeStep(step: PlannedStep): string {
  if (step.kind === 'probe') {
    const { flags, from, sourcePorts, to, ports } = step;
    return `  ${step.name}: ${flags} from the ${from}'s ports ${sourcePorts.join(', ')} to the ${to}'s ports ${rangesText(ports)}`;
  }
  if (step.kind === 'idle') return `  idle for ${secondsText(step.seconds)}`;
  if (step.kind === 'command') return `  ${step.command}`;
  if (step.kind === 'set-timeouts') return `  the firewall's timeouts change: ${step.words}`;
  const { name, mode, direction, command, file, change, noopEvery } = step;
  const what = file
    ? `, ${sizeText(file.size)}${file.lasting > 0 ? ` over ${secondsText(file.lasting)}` : ''}`
    : '';
  const beside = [
    ...(noopEvery === undefined ? [] : [`NOOP every ${secondsText(noopEvery)}`]),
    ...(change ? [`after ${secondsText(change.at)} the firewall's timeouts change: ${change.words}`] : []),
  ];
  return [`  ${name}: ${mode} ${direction} (${command})${what}`, ...beside].join('; ');
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observation } from '../../src/observe/event';
import type { Plan } from '../../src/plan/plan';
import { judge } from '../../src/verdict/judge';
import type { RunResult } from '../../src/verdict/run-result';
import { FOLDER, recorded } from '../catalogue';

// Verdicts are pure, so a real run can be judged again with parts of its evidence taken away: what
// then still holds would have held without proof.

/** A real run, with all that its verdicts were made from. */
export interface Recorded {
  readonly plan: Plan;
  readonly observation: Observation;
  readonly result: RunResult;
}

/** Runs of the catalogue, each with what it was judged from. */
export async function record(scenarios: readonly string[]): Promise<Recorded[]> {
  return (await recorded(scenarios)).map((result) => fromEvidence(result, FOLDER));
}

/** A run that was kept, with what it was judged from. */
export function fromEvidence(result: RunResult, folder: string): Recorded {
  const file = join(folder, result.artifacts.directory ?? 'none', 'plan.json');
  const { kernel, events, durationSeconds: duration } = result;
  const rules = result.rules.flatMap(({ row, loaded }) =>
    row === 'policy' || !loaded ? [] : [{ row, ...loaded }],
  );
  const loaded = { rules, helpers: result.helpers ?? [] };
  const captures = result.captures.map((capture) => ({ ...capture, file: '' }));
  return {
    plan: JSON.parse(readFileSync(file, 'utf8')) as Plan,
    result,
    observation: { kernel, events, duration, captures, startedAt: 0, conntrackLost: 0, loaded },
  };
}

/** Judges a run again, from an observation that was changed. */
export function again(recorded: Recorded, change: (observation: Observation) => Observation): RunResult {
  return judge(recorded.plan, change(recorded.observation), null);
}

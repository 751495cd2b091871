import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { LabFailure, MissingCapability, RefusedRows } from './engine/host';
import { ENGINES } from './engines';
import { atMost } from './engine/until';
import { Stalled, Watchdog } from './engine/watchdog';
import { oneLine } from './firewall/words';
import { makePlan } from './plan/make-plan';
import type { EngineName, Plan } from './plan/plan';
import type { TimeScaleChoice } from './plan/scale-time';
import { evidenceDirectory, writeReports } from './report/evidence';
import { InputError } from './scenario/problem';
import type { Scenario } from './scenario';
import { longestStepSeconds } from './session/run-session';
import { judge, skipped, unseen } from './verdict/judge';
import type { RunResult } from './verdict/run-result';

/**
 * Has the rules of several scenarios read before any of them runs, where namespaces can be had; elsewhere each is
 * refused when it is to be loaded.
 *
 * @throws InputError for the first whose rules are refused
 */
export async function checkRules(
  scenarios: readonly Scenario[],
  { engine, stalledAfter }: Pick<RunOptions, 'engine' | 'stalledAfter'>,
): Promise<void> {
  const { check } = ENGINES[engine === 'auto' ? 'netns' : engine];
  if (scenarios.length === 0 || check === null) return;
  const plans = scenarios.map((scenario) =>
    makePlan(scenario, { capture: false, engine: 'netns', timeScale: 'auto' }),
  );
  const watchdog = new Watchdog(stalledAfter);
  try {
    const wrong = await watchdog.guard(() => check(plans));
    const plan = wrong && plans[wrong.plan];
    if (plan) throw refusedInput(plan, wrong.refused);
  } catch (error) {
    // What keeps the rules from being checked keeps them from being run, which is then said of each run.
    if (!(error instanceof LabFailure)) throw error;
  } finally {
    watchdog.stop();
  }
}

/** An engine by name, or whichever works here. */
export type EngineChoice = EngineName | 'auto';

export interface RunOptions {
  readonly engine: EngineChoice;
  readonly capture: boolean;
  /** probe every port where scenarios probe a sample */
  readonly allPorts: boolean;
  readonly timeScale: TimeScaleChoice;
  /** keep the evidence of a passing run too */
  readonly keep: boolean;
  /** folder in which evidence folders are made */
  readonly results: string;
  /** seconds without progress, beyond what a step may take, after which a run is ended */
  readonly stalledAfter: number;
  readonly onProgress: (text: string) => void;
  /** something the user should hear that changes no verdict */
  readonly onNote: (text: string) => void;
  /** called with a way to end the run at once; called again with null when it is over */
  readonly onAbortable: (abort: (() => Promise<void>) | null) => void;
}

/** The engine that `auto` found to work here; later scenarios of the same command go straight to it. */
let found: { readonly engine: EngineName; readonly why: string } | undefined;

/**
 * Runs one scenario on the engine asked for; `auto` takes netns where it works, else docker.
 *
 * @throws InputError when its rules are refused, MissingCapability when it cannot run here
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  if (options.engine !== 'auto') return runOn(options.engine, null, scenario, options);
  if (found) return runOn(found.engine, found.why, scenario, options);
  const first = { engine: 'netns', why: 'which works here' } as const;
  try {
    const result = await runOn(first.engine, first.why, scenario, options);
    found ??= first;
    return result;
  } catch (error) {
    if (!(error instanceof MissingCapability)) throw error;
    options.onProgress('netns does not work here; trying docker');
    found = { engine: 'docker', why: `because netns does not work here: ${error.message}` };
    return await runOn(found.engine, found.why, scenario, options).catch((other: unknown) => {
      if (!(other instanceof MissingCapability)) throw other;
      throw new MissingCapability(
        `engine netns: ${error.message}\n  → ${error.remedy}\nengine docker: ${other.message}`,
        other.remedy,
      );
    });
  }
}

/** As long as containers may take to go. An engine that no longer answers has theirs end with the lab. */
const TAKE_DOWN_SECONDS = 30;

/** Plan → hosts → observation → verdict, and evidence where it failed. */
async function runOn(
  name: EngineName,
  engineWhy: string | null,
  scenario: Scenario,
  options: RunOptions,
): Promise<RunResult> {
  const began = performance.now();
  const engine = ENGINES[name];
  const planned = makePlan(scenario, {
    ...{ capture: options.capture, allPorts: options.allPorts, timeScale: options.timeScale },
    ...{ engine: name, engineWhy },
  });
  await engine.require();
  const watchdog = new Watchdog(options.stalledAfter + longestStepSeconds(planned));
  const runner = engine.runner({
    onProgress: (text) => {
      watchdog.progress(text);
      options.onProgress(text);
    },
    onAlive: () => {
      watchdog.alive();
    },
  });
  const abort = new AbortController();
  options.onAbortable(() => {
    abort.abort();
    return runner.stop();
  });
  try {
    const { observation, failure, started } = await watchdog
      .guard(() => runner.run(planned))
      .catch((error: unknown) => {
        if (abort.signal.aborted) throw new Interrupted();
        return explain(planned, error);
      });
    if (abort.signal.aborted) throw new Interrupted();
    const plan = started === null ? planned : { ...planned, firewall: started };
    const seconds = (performance.now() - began) / 1000;
    const result = observation
      ? judge(plan, { ...observation, duration: seconds }, failure)
      : unseen(plan, await engine.kernel(), failure, seconds);
    if (result.outcome === 'pass' && !options.keep) return result;
    watchdog.progress('keeping the evidence');
    return await keep(plan, result, options, (folder) => watchdog.guard(() => runner.keepAndStop(folder)));
  } finally {
    watchdog.stop();
    await atMost(TAKE_DOWN_SECONDS, runner.stop());
    options.onAbortable(null);
  }
}

/** The result of a scenario this machine cannot run. */
export async function skipScenario(
  scenario: Scenario,
  engine: EngineChoice,
  timeScale: TimeScaleChoice,
  missing: MissingCapability,
): Promise<RunResult> {
  const name = engine === 'auto' ? 'netns' : engine;
  return skipped(
    makePlan(scenario, { capture: true, engine: name, timeScale }),
    await ENGINES[name].kernel(),
    missing.message,
  );
}

/** Keeps the lab's last state and all reports in a folder of their own. */
async function keep(
  plan: Plan,
  result: RunResult,
  options: RunOptions,
  collect: (folder: string) => Promise<readonly string[]>,
): Promise<RunResult> {
  try {
    const directory = evidenceDirectory(options.results, result.scenario);
    // Hosts that are gone have nothing to tell any more; the reports are written all the same.
    const captures = await collect(resolve(directory)).catch((error: unknown) => {
      if (!(error instanceof LabFailure)) throw error;
      // The verdict stands all the same. That the run itself stalled is its reason already.
      if (error instanceof Stalled && error.message !== result.reason) {
        options.onNote(`not all of the evidence could be kept: ${error.message}`);
      }
      return [];
    });
    const { run, complaints } = writeReports(
      directory,
      { ...result, artifacts: { directory, captures } },
      plan,
    );
    for (const complaint of complaints) options.onNote(`not in the evidence folder: ${complaint}`);
    return run;
  } catch (error) {
    // The verdict stands without its folder; that the folder is missing must be heard.
    options.onNote(
      `the evidence could not be kept: ${error instanceof Error ? error.message : String(error)}`,
    );
    return result;
  }
}

/** The user ended the run; there is nothing to report. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** The scenario's text, to show the place of a mistake; it was read before, so it is most likely still there. */
function sourceOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Tells whose fault a failed run is: the author's, the machine's, or the lab's own.
 *
 * @returns the lab's own failure; the others are thrown
 */
async function explain(
  plan: Plan,
  error: unknown,
): Promise<{ observation: null; failure: string; started: null }> {
  if (error instanceof RefusedRows) throw refusedInput(plan, error);
  if (!(error instanceof LabFailure)) throw error;
  // Not for want of anything: what hangs is there.
  if (error instanceof Stalled) return { observation: null, failure: error.message, started: null };
  const missing = await ENGINES[plan.engine].whatIsMissing();
  if (missing) throw new MissingCapability(`${missing.name}: ${missing.why}`, missing.remedy);
  return { observation: null, failure: error.message, started: null };
}

/** Rows that a tool refused, as a mistake in the scenario's file. */
function refusedInput(plan: Plan, error: RefusedRows): InputError {
  return new InputError(
    plan.scenario.file,
    error.rows.map(({ row, line, message, column }) => {
      const planned = plan.firewall.rows.find((candidate) => candidate.row === row);
      const { rulesAt, ruleset } = plan.firewall;
      const begin = planned?.position ?? rulesAt;
      // What stands below a row's first line begins where the rules do.
      const left = line === null || line === 0 ? begin : (rulesAt ?? begin);
      const start = begin && left && { line: begin.line + (line ?? 0), column: left.column };
      const what = planned ? `row ${planned.row}, “${oneLine(planned.text)}”` : 'the rules';
      return {
        position: start && { line: start.line, column: start.column + Math.max(0, column) },
        // Tools and shell say who they are.
        message: ruleset.loader === 'sh' ? message : `${ruleset.loader} refuses ${what}: ${message}`,
      };
    }),
    sourceOf(plan.scenario.file),
  );
}

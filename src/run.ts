import { release } from 'node:os';
import { join, resolve } from 'node:path';
import { LabFailure, MissingCapability, RefusedRows } from './engine/host';
import { requireTools, whatIsMissing } from './engine/netns/capabilities';
import { Sandbox } from './engine/netns/sandbox';
import type { Experiment } from './experiment';
import { BUNDLE_DIRECTORY } from './paths';
import { makePlan } from './plan/make-plan';
import type { Plan } from './plan/plan';
import { evidenceDirectory, writeReports } from './report/evidence';
import { InputError } from './scenario/problem';
import type { Scenario } from './scenario';
import { judge, skipped, unseen } from './verdict/judge';
import type { RunResult } from './verdict/run-result';

export interface RunOptions {
  readonly capture: boolean;
  /** keep the evidence of a passing run too */
  readonly keep: boolean;
  /** folder in which evidence folders are made */
  readonly results: string;
  readonly onProgress: (text: string) => void;
  /** something the user should hear that changes no verdict */
  readonly onNote: (text: string) => void;
  /** called with a way to end the run at once; called again with null when it is over */
  readonly onAbortable: (abort: (() => Promise<void>) | null) => void;
}

/**
 * Runs one scenario: plan → sandbox → observation → verdict, and evidence where it failed.
 *
 * @throws InputError when nft refuses its rules, MissingCapability when it cannot run here
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const began = performance.now();
  const plan = makePlan(scenario, { capture: options.capture });
  requireTools();
  const sandbox = new Sandbox<Experiment>(join(BUNDLE_DIRECTORY, 'worker.js'), options.onProgress);
  let interrupted = false;
  options.onAbortable(() => {
    interrupted = true;
    return sandbox.stop();
  });
  try {
    const { observation, failure } = await sandbox.run(plan).catch((error: unknown) => {
      if (interrupted) throw new Interrupted();
      return explain(plan, error);
    });
    const seconds = (performance.now() - began) / 1000;
    const result = observation
      ? judge(plan, { ...observation, duration: seconds }, failure)
      : unseen(plan, release(), failure, seconds);
    if (result.outcome === 'pass' && !options.keep) {
      await sandbox.stop();
      return result;
    }
    return await keep(plan, result, sandbox, options);
  } catch (error) {
    await sandbox.stop();
    throw error;
  } finally {
    options.onAbortable(null);
  }
}

/** The result of a scenario this machine cannot run. */
export function skipScenario(scenario: Scenario, missing: MissingCapability): RunResult {
  return skipped(makePlan(scenario, { capture: true }), release(), missing.message);
}

/** Keeps the lab's last state and all reports in a folder of their own. */
async function keep(
  plan: Plan,
  result: RunResult,
  sandbox: Sandbox<Experiment>,
  options: RunOptions,
): Promise<RunResult> {
  try {
    const directory = evidenceDirectory(options.results, result.scenario);
    // A sandbox that is gone has nothing to tell any more; the reports are written all the same.
    const captures = await sandbox.keepAndStop(resolve(directory)).catch((error: unknown) => {
      if (error instanceof LabFailure) return [];
      throw error;
    });
    const kept = { ...result, artifacts: { directory, captures } };
    writeReports(directory, kept, plan);
    return kept;
  } catch (error) {
    // The verdict stands without its folder; that the folder is missing must be heard.
    options.onNote(
      `the evidence could not be kept: ${error instanceof Error ? error.message : String(error)}`,
    );
    await sandbox.stop();
    return result;
  }
}

/** The user ended the run; there is nothing to report. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Tells whose fault a failed sandbox is: the author's, the machine's, or the lab's own.
 *
 * @returns the lab's own failure; the others are thrown
 */
async function explain(plan: Plan, error: unknown): Promise<{ observation: null; failure: string }> {
  if (error instanceof RefusedRows) {
    throw new InputError(
      plan.scenario.file,
      error.rows.map(({ row, message, column }) => {
        const planned = plan.firewall.rows.find((candidate) => candidate.row === row);
        const position = planned?.position ?? null;
        return {
          position: position && { line: position.line, column: position.column + Math.max(0, column) },
          message: `nft refuses row ${row}, “${planned?.text ?? ''}”: ${message}`,
        };
      }),
    );
  }
  if (!(error instanceof LabFailure)) throw error;
  const missing = await whatIsMissing();
  if (missing) throw new MissingCapability(`${missing.name}: ${missing.why}`, missing.remedy);
  return { observation: null, failure: error.message };
}

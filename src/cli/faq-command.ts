import { closest } from 'fastest-levenshtein';
import { MissingCapability } from '../engine/host';
import { cut } from '../report/escape';
import { forReport, type ReportRun } from '../report/for-report';
import { jsonText } from '../report/json';
import { claimReport, scoreboardReport } from '../report/scoreboard';
import { skipScenario } from '../run';
import { CLAIMS } from '../scenario/claims';
import { inputError } from '../scenario/problem';
import type { RunResult } from '../verdict/run-result';
import { scoreboard } from '../verdict/scoreboard';
import { chooseScenarios } from './choose-scenarios';
import { EXIT } from './exit-codes';
import { exitCode, runMany, timeScaleOf, type ManyFlags } from './run-many';
import { say } from './print';
import { Progress, style } from './terminal';

export interface FaqFlags extends ManyFlags {
  readonly json?: true;
  /** a document of results, an evidence folder, or `-` */
  readonly from?: string;
}

/** `lab faq`: runs the scenarios that test the FAQ's claims, and says what became of each claim. */
export async function faqCommand(wanted: readonly string[], flags: FaqFlags): Promise<number> {
  const ids = wanted.length === 0 ? Object.keys(CLAIMS) : wanted.map(knownClaim);
  const { runs, missing } =
    flags.from === undefined ? await runTests(ids, flags) : { runs: await saved(flags.from, ids) };
  const claims = scoreboard(ids, runs);
  const shown = forReport(claims);
  const look = style(process.stdout);
  if (flags.json) process.stdout.write(jsonText({ claims }));
  else if (wanted.length === 0) process.stdout.write(scoreboardReport(shown, look));
  else process.stdout.write(shown.map((claim) => claimReport(claim, look)).join('\n'));
  if (missing) throw missing;
  tellTrouble(runs.map(forReport));
  // Claims may be false without anything being wrong; what the scenarios expect must hold.
  return runs.length === 0 ? EXIT.held : exitCode(runs);
}

/** Runs that were saved, as far as they tell of these claims. The reader of documents is loaded only here. */
async function saved(file: string, ids: readonly string[]): Promise<readonly RunResult[]> {
  const { readResults } = await import('../report/read-results');
  return readResults(file).filter(({ claims }) => claims.some(({ id }) => ids.includes(id)));
}

/** Runs what tests these claims; where nothing can run, each is a run that was skipped, and why is told. */
async function runTests(
  ids: readonly string[],
  flags: FaqFlags,
): Promise<{ readonly runs: readonly RunResult[]; readonly missing?: MissingCapability | undefined }> {
  const scenarios = chooseScenarios([], { all: true }).filter(({ claims }) => ids.some((id) => id in claims));
  const progress = new Progress(process.stderr, flags.quiet ?? false);
  let missing: MissingCapability | undefined;
  const runs = await runMany(scenarios, flags, progress).catch(
    async (error: unknown): Promise<RunResult[]> => {
      progress.clear();
      if (!(error instanceof MissingCapability)) throw error;
      // Every claim is untested then, and says why.
      missing = error;
      const reason = error;
      return Promise.all(
        scenarios.map((scenario) => skipScenario(scenario, flags.engine, timeScaleOf(flags), reason)),
      );
    },
  );
  progress.clear();
  return { runs, missing };
}

/** A verdict that rests on a broken expectation is none to rely on: say so. */
function tellTrouble(runs: readonly ReportRun[]): void {
  for (const { scenario, outcome, reason } of runs) {
    if (outcome !== 'fail' && outcome !== 'infra-error') continue;
    const what = outcome === 'fail' ? 'an expectation did not hold' : 'the lab itself failed';
    say(`${scenario}: ${what}: ${cut(reason ?? '')}\n  npm run lab -- ${scenario}`);
  }
}

/** @throws InputError that suggests the nearest claim */
function knownClaim(text: string): string {
  const id = text.toUpperCase();
  if (id in CLAIMS) return id;
  const near = closest(id, Object.keys(CLAIMS));
  throw inputError(`unknown claim "${text}"; did you mean ${near}? known: C01 to C55`);
}

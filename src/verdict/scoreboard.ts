import { CLAIMS } from '../scenario/claims';
import type { ClaimVerdict, RunResult } from './run-result';

/** The two firewalls a claim is judged on. */
export const GENERATIONS = ['linux-2.2', 'today'] as const;
export type Generation = (typeof GENERATIONS)[number];

/** What one scenario showed of a claim. */
export interface Showing {
  readonly scenario: string;
  readonly title: string;
  /** what the verdict depends on, as it is in this scenario; null when on nothing */
  readonly when: string | null;
  readonly verdict: ClaimVerdict;
  readonly checks: readonly { readonly text: string; readonly held: boolean | null; readonly why: string }[];
  /** how it came that it showed nothing, e.g. "did not run: …"; null when it ran and was judged */
  readonly silent: string | null;
}

export interface Score {
  readonly verdict: ClaimVerdict;
  /** one sentence */
  readonly why: string;
  readonly scenarios: readonly string[];
  readonly shown: readonly Showing[];
}

/** A claim of the FAQ, and what packets said of it on each firewall. */
export interface ClaimScore {
  readonly id: string;
  readonly text: string;
  readonly era: string;
  readonly verdicts: Readonly<Record<Generation, Score>>;
}

/** Judges claims from runs, and from nothing else. Pure. */
export function scoreboard(ids: readonly string[], runs: readonly RunResult[]): ClaimScore[] {
  return ids.map((id) => {
    const { text = '', era = '', needs } = CLAIMS[id] ?? {};
    const score = (generation: Generation): Score => {
      const shown = runs.filter((run) => generationOf(run) === generation).flatMap((run) => showing(run, id));
      return scoreOf(shown, needs);
    };
    return { id, text, era, verdicts: { 'linux-2.2': score('linux-2.2'), today: score('today') } };
  });
}

/** ipchains is Linux 2.2's; the others run on today's kernel. */
function generationOf({ topology }: RunResult): Generation {
  return topology.kind === 'ipchains' ? 'linux-2.2' : 'today';
}

function showing(run: RunResult, id: string): Showing[] {
  return run.claims
    .filter((claim) => claim.id === id)
    .map(({ when, verdict, checks }) => ({
      ...{ scenario: run.scenario, title: run.title, when, verdict, checks },
      silent: silence(run),
    }));
}

function silence({ outcome, reason }: RunResult): string | null {
  if (outcome === 'skipped') return `did not run: ${reason ?? ''}`;
  return outcome === 'infra-error' ? `proves nothing, for the lab itself failed: ${reason ?? ''}` : null;
}

function scoreOf(shown: readonly Showing[], needs: string | undefined): Score {
  const told = shown.filter(({ verdict }) => verdict !== 'untested');
  const scenarios = shown.map(({ scenario }) => scenario);
  const [first] = told;
  if (!first) return { verdict: 'untested', why: whyUntested(shown, needs), scenarios, shown };
  const verdicts = new Set(told.map(({ verdict }) => verdict));
  const verdict = verdicts.size === 1 ? first.verdict : 'partly';
  const alike = told.every(({ when }) => when === null);
  const why = told.length === 1 || (alike && verdicts.size === 1) ? sentenceOf(first) : dependence(told);
  return { verdict, why, scenarios, shown };
}

function whyUntested(shown: readonly Showing[], needs: string | undefined): string {
  const silent = shown.find((one) => one.silent !== null);
  if (silent) return `${silent.scenario} ${silent.silent ?? ''}.`;
  const [first] = shown;
  if (first) return `${first.scenario} could not tell whether ${undecided(first)}.`;
  return needs === undefined ? 'No scenario tests it on this firewall.' : `It takes ${needs}.`;
}

function sentenceOf(showing: Showing): string {
  const when = showing.when === null ? '' : ` when ${showing.when}`;
  return `${showing.scenario}${when}: ${checksText(showing)}.`;
}

/** The checks that decided: those that broke, else all. */
function checksText({ checks }: Showing): string {
  const broken = checks.filter(({ held }) => held !== true);
  return (broken.length > 0 ? broken : checks)
    .map(({ text, held, why }) => `${held === true ? '' : 'not '}“${text}” (${why})`)
    .join(', ');
}

/** The checks that the evidence does not reach. */
function undecided({ checks }: Showing): string {
  return checks.flatMap(({ text, held, why }) => (held === null ? `“${text}” (${why})` : [])).join(', ');
}

/** "Upheld when …. Refuted when …: not “…”.", for a claim that is true here and not there. */
function dependence(told: readonly Showing[]): string {
  return (['upheld', 'partly', 'refuted'] as const)
    .flatMap((verdict) => {
      const cases = told.filter((one) => one.verdict === verdict);
      const [first] = cases;
      if (!first) return [];
      const texts = cases.map(({ when, scenario }) => (when === null ? `as in ${scenario}` : `when ${when}`));
      const word = verdict.charAt(0).toUpperCase() + verdict.slice(1);
      // What a claim failed on is worth a look; that it held is said already.
      const proof = verdict === 'upheld' ? '' : `: ${checksText(first)}`;
      return [`${word} ${[...new Set(texts)].join(', or ')}${proof}.`];
    })
    .join(' ');
}

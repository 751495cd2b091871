import type { RunResult } from '../verdict/run-result';
import type { Progress } from './terminal';

/** Runs that must have ended before those to come can be guessed from them. */
const ENOUGH_TO_GO_BY = 3;

/** How far a batch of runs is. Seconds since it began. */
export interface BatchState {
  readonly done: number;
  /** of these, how many failed or broke */
  readonly failed: number;
  readonly total: number;
  /** when the last of those done ended */
  readonly lastEnd: number;
  readonly now: number;
}

/**
 * The seconds a batch still takes, if its other runs take as long as those that have ended, side by side
 * as they are; null while too few have ended, and when it takes longer than that already.
 */
export function secondsLeft({ done, total, lastEnd, now }: BatchState): number | null {
  if (done < ENOUGH_TO_GO_BY) return null;
  const left = (lastEnd / done) * (total - done) - (now - lastEnd);
  return left > 0 ? left : null;
}

/** How far a batch is, in words: "37 of 102 done, 1 failed, about 12 s left". */
export function batchText(state: BatchState): string {
  const left = secondsLeft(state);
  return [
    `${state.done} of ${state.total} done`,
    ...(state.failed > 0 ? [`${state.failed} failed`] : []),
    ...(left === null ? [] : [`about ${roughly(left)} left`]),
  ].join(', ');
}

function roughly(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}

/** Tells of runs side by side what each does, and how many are done; of a single one only what it does. */
export class BatchProgress {
  private readonly began = performance.now();
  private done = 0;
  private failed = 0;
  private lastEnd = 0;
  /** what each run under way does, the latest news last; by the run's place in the batch */
  private readonly doing = new Map<number, string>();

  constructor(
    private readonly total: number,
    private readonly progress: Progress,
  ) {
    if (total > 1) progress.lead = () => batchText(this.state());
  }

  /** A run does something else from now on. */
  news(run: number, text: string): void {
    this.doing.delete(run);
    this.doing.set(run, text);
    this.progress.show(text);
  }

  /** A run has ended. On a terminal the line goes on with one that has not. */
  ended(run: number, name: string, outcome: RunResult['outcome']): void {
    this.doing.delete(run);
    this.done += 1;
    if (outcome === 'fail' || outcome === 'infra-error') this.failed += 1;
    this.lastEnd = this.seconds();
    if (this.total === 1) return;
    if (this.progress.changesLine) this.progress.show([...this.doing.values()].at(-1) ?? '');
    else this.progress.show(`${name}: ${outcome} (${this.done} of ${this.total})`);
  }

  private state(): BatchState {
    const { done, failed, total, lastEnd } = this;
    return { done, failed, total, lastEnd, now: this.seconds() };
  }

  private seconds(): number {
    return (performance.now() - this.began) / 1000;
  }
}

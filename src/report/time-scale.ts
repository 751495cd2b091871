import { secondsText } from '../scenario/quantities';
import type { RunResult } from '../verdict/run-result';

/** What a scale made of a scenario's times, e.g. "the established timeout 900 s → 9 s, … (×100)"; empty at scale 1. */
export function scaleText({ timeScale, times = [] }: Pick<RunResult, 'timeScale' | 'times'>): string {
  if (timeScale === 1) return '';
  const changed = [
    ...new Set(times.map(({ what, seconds, runSeconds }) => `${what} ${seconds} s → ${short(runSeconds)} s`)),
  ];
  return [changed.join(', '), `(×${timeScale})`].filter((part) => part !== '').join(' ');
}

/** A time of the run, and in brackets what it is in the scenario's time where that is another. */
export function bothTimes(runSeconds: number, timeScale: number): string {
  const text = `${runSeconds.toFixed(2)} s`;
  const seconds = Math.round(runSeconds * timeScale);
  return timeScale === 1 || seconds === 0 ? text : `${text} (${secondsText(seconds)} of the scenario’s time)`;
}

function short(seconds: number): string {
  return String(Math.round(seconds * 100) / 100);
}

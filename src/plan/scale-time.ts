import { CONNTRACK_TIMEOUTS, TIMEOUT_NAMES, type TimeoutName, type Timeouts } from '../firewall/conntrack';
import { InputError } from '../scenario/problem';
import type { FirewallKind } from '../firewall/kinds';
import type { KeepAlive, Scenario, SessionStep } from '../scenario';
import { statedTimes, type StatedTime } from './stated-times';

// A scenario's durations are in its own seconds, those the FAQ speaks of. A plan's are in seconds of the
// run. This is where the one becomes the other, and where a scale is chosen.
//
// What a scale may be is limited by two things:
//
// - The kernel counts timeouts, and TCP keep-alive, in whole seconds. So a scaled timeout is rounded to one,
//   and must not be so short that the log-in, a burst of packets or a pause of the machine is as long as it.
// - Whatever the scenario is about is whether something outlives a timeout: 14 minutes against 15. A program
//   may be kept waiting on a loaded machine, so between the two there must be some time left.

/** Seconds: what a stated timeout is at least, in the run. */
const SHORTEST_TIMEOUT = 2;
/** Seconds: what TCP keep-alive's interval is at least, in the run. TCP_KEEPIDLE is in whole seconds. */
const SHORTEST_KEEP_ALIVE = 1;
/** Seconds: what a stated patience of client or server is at least, in the run. */
const SHORTEST_PATIENCE = 0.5;
/** Seconds between a timeout and any other time of the scenario, at least, in the run. */
const CLEARANCE = 0.5;
/**
 * Seconds: a timeout that the scenario says nothing of is scaled with the others, but no further than to
 * this. It is longer than the pause before a SYN is sent again, which no scale changes.
 */
const SHORTEST_UNSTATED = 3;
/** Seconds: what a session may wait by its own account before a scale is chosen for it. */
const LONGEST_UNSCALED = 10;
const HIGHEST_SCALE = 10_000;

/** A scale asked for; auto: the plan chooses; real: none. */
export type TimeScaleChoice = number | 'auto' | 'real';

/**
 * Scenario seconds per second of the run.
 *
 * By itself 1, unless the session waits for longer than 10 s. Then it is the smallest scale that brings the
 * waiting under 10 s and every timeout to whole seconds; the smallest, for it leaves the longest times.
 *
 * @throws InputError when a scale that was asked for is too high for the scenario, with the highest that is not
 */
export function timeScale(scenario: Scenario, choice: TimeScaleChoice): number {
  if (choice === 'real') return 1;
  const times = statedTimes(scenario);
  if (choice !== 'auto') {
    const broken = tooShort(times, choice);
    if (broken) throw refusal(scenario, times, choice, broken);
    return choice;
  }
  const waiting = sessionSeconds(scenario);
  if (waiting <= LONGEST_UNSCALED) return 1;
  const works = (scale: number): boolean => !tooShort(times, scale);
  const all = scales();
  const isQuick = (scale: number): boolean => waiting / scale <= LONGEST_UNSCALED;
  const quick = all.filter(isQuick);
  // The cheap question first: of ten thousand scales few are exact.
  return (
    quick.find((scale) => isExact(times, scale) && works(scale)) ??
    quick.find(works) ??
    all.findLast((scale) => !isQuick(scale) && works(scale)) ??
    1
  );
}

function scales(): number[] {
  return Array.from({ length: HIGHEST_SCALE }, (_, index) => index + 1);
}

/** Seconds a session lasts by its own account, in the scenario's time. */
export function sessionSeconds({ session }: Scenario): number {
  return session.reduce((sum, step) => {
    if (step.kind === 'idle') return sum + step.seconds;
    return sum + (step.kind === 'transfer' ? step.lasting : 0);
  }, 0);
}

/** Whether nothing has to be rounded. */
function isExact(times: readonly StatedTime[], scale: number): boolean {
  return times.every(({ kind, seconds }) => kind !== 'timeout' || seconds % scale === 0);
}

/** A time that a scale makes too short, and how it is too short. */
interface TooShort {
  readonly time: StatedTime;
  readonly why: string;
}

/** What a scale makes too short to be told apart; null when nothing. What is so in real time is the author's will. */
function tooShort(times: readonly StatedTime[], scale: number): TooShort | null {
  if (scale === 1) return null;
  for (const time of times) {
    const least = LEAST[time.kind];
    const seconds = time.seconds / scale;
    if (seconds < least)
      return { time, why: `would be ${text(seconds)} s; it must be ${text(least)} s or more` };
  }
  return tooClose(times, scale);
}

const LEAST: Readonly<Record<StatedTime['kind'], number>> = {
  timeout: SHORTEST_TIMEOUT,
  'keep-alive': SHORTEST_KEEP_ALIVE,
  patience: SHORTEST_PATIENCE,
  'masquerade timeout': 0,
  length: 0,
};

/** Two times that the scenario tells apart and the run would not. */
function tooClose(times: readonly StatedTime[], scale: number): TooShort | null {
  // Patience is another matter.
  const silences = times.filter(({ kind }) => kind === 'length' || kind === 'keep-alive');
  for (const timeout of times.filter(({ ofSilence }) => ofSilence)) {
    for (const other of silences) {
      // Equal times are a race in real time, too.
      if (other.seconds === timeout.seconds) continue;
      const [limit, length] = [inRun(timeout, scale), inRun(other, scale)];
      const rounded = other.seconds > timeout.seconds ? length - limit : limit - length;
      // What rounding adds is no part of what the scenario says.
      const apart = Math.min(rounded, Math.abs(other.seconds - timeout.seconds) / scale);
      if (apart >= CLEARANCE) continue;
      const why = `would be ${text(limit)} s beside the ${text(length)} s of ${other.what}; they must be ${text(CLEARANCE)} s apart`;
      return { time: timeout, why };
    }
  }
  return null;
}

function refusal(
  scenario: Scenario,
  times: readonly StatedTime[],
  asked: number,
  { time, why }: TooShort,
): InputError {
  const highest = scales().findLast((scale) => scale <= asked && !tooShort(times, scale)) ?? 1;
  const message = `${time.what} is ${text(time.seconds)} s, and at --time-scale ${text(asked)} it ${why}; the highest scale that works here is ${highest}`;
  return new InputError(scenario.file, [{ position: time.position, message }]);
}

/** A time of the scenario, in seconds of the run: the kernel counts its timers in whole ones. */
export function inRun({ kind, seconds }: Pick<StatedTime, 'kind' | 'seconds'>, scale: number): number {
  const whole = scale !== 1 && (kind === 'timeout' || kind === 'keep-alive');
  return whole ? Math.max(1, Math.round(seconds / scale)) : seconds / scale;
}

/** A time as the scenario states it, and as it is in the run. Seconds. */
export interface PlannedTime {
  readonly what: string;
  readonly seconds: number;
  readonly runSeconds: number;
}

/** What of a scenario is another time in the run, for reports; nothing when nothing is scaled. */
export function scaledTimes(scenario: Scenario, scale: number): readonly PlannedTime[] {
  if (scale === 1) return [];
  return statedTimes(scenario).map(({ what, kind, seconds }) => ({
    what,
    seconds,
    runSeconds: Math.round(inRun({ kind, seconds }, scale) * 1e6) / 1e6,
  }));
}

/** The same scenario with every duration in seconds of the run. Pure. */
export function scaleScenario(scenario: Scenario, scale: number): Scenario {
  if (scale === 1) return scenario;
  const { firewall, client, server } = scenario;
  const interval = (seconds: KeepAlive): KeepAlive =>
    typeof seconds === 'number' ? inRun({ kind: 'keep-alive', seconds }, scale) : seconds;
  const patience = (seconds: number | null): number | null => seconds && seconds / scale;
  return {
    ...scenario,
    firewall: {
      ...firewall,
      timeouts: {
        ...(firewall.kind === 'ipchains' ? {} : unstated(scale)),
        ...scaleTimeouts(firewall.kind, firewall.timeouts, scale),
      },
    },
    client: { ...client, patience: patience(client.patience), keepAlive: interval(client.keepAlive) },
    server: { ...server, patience: patience(server.patience), keepAlive: interval(server.keepAlive) },
    patience: patience(scenario.patience),
    session: scenario.session.map((step) => scaleStep(firewall.kind, step, scale)),
  };
}

function scaleStep(kind: FirewallKind, step: SessionStep, scale: number): SessionStep {
  switch (step.kind) {
    case 'transfer': {
      const { lasting, noopEvery, change } = step;
      return {
        ...step,
        lasting: lasting / scale,
        noopEvery: noopEvery && noopEvery / scale,
        change: change && {
          ...change,
          at: change.at / scale,
          timeouts: scaleTimeouts(kind, change.timeouts, scale),
        },
      };
    }
    case 'idle':
      return { ...step, seconds: step.seconds / scale };
    case 'set-timeouts':
      return { ...step, timeouts: scaleTimeouts(kind, step.timeouts, scale) };
    default:
      return step;
  }
}

/** Those of ipchains stay: its firewall is the lab's own, and keeps the scenario's time. */
function scaleTimeouts(kind: FirewallKind, timeouts: Timeouts, scale: number): Timeouts {
  if (kind === 'ipchains') return timeouts;
  const scaled = Object.entries(timeouts).map(([name, seconds]) => [
    name,
    inRun({ kind: 'timeout', seconds }, scale),
  ]);
  return Object.fromEntries(scaled) as Timeouts;
}

/** Seconds of the run: what a timeout that the scenario says nothing of is at least. */
export function shortestUnstated(scale: number): number {
  return scale === 1 ? 0 : SHORTEST_UNSTATED;
}

/** The kernel's own timeouts, as short as they may be. */
function unstated(scale: number): Timeouts {
  const seconds = ({ byItself }: { byItself: number }): number =>
    Math.min(byItself, Math.max(SHORTEST_UNSTATED, Math.round(byItself / scale)));
  return Object.fromEntries(
    TIMEOUT_NAMES.map((name): [TimeoutName, number] => [name, seconds(CONNTRACK_TIMEOUTS[name])]),
  );
}

/** Seconds without trailing zeros. */
function text(seconds: number): string {
  return String(Math.round(seconds * 1000) / 1000);
}

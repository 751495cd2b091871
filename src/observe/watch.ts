import { NOTHING_LOADED } from '../firewall/effect';
import type { HostProcess, Lab } from '../engine/host';
import type { HostReport } from '../engine/agent-process';
import type { StepRecord } from '../session/run-session';
import { Capture, capturedLegs } from './capture';
import { ConntrackWatch } from './conntrack-watch';
import { readRules } from './counters';
import type { Observation, RawEvent } from './event';
import { RouterWatch } from './router-watch';
import type { TableWatch } from './table-watch';
import { reportEvent, stepEvents } from './report-events';

/** Everything that watches a lab from outside the FTP programs. */
export class Watch {
  private readonly ruleSamples: RawEvent[] = [];

  private constructor(
    private readonly lab: Lab,
    private readonly captures: readonly Capture[],
    private readonly table: TableWatch,
  ) {}

  /** Starts the captures and what watches the connection table; resolves once nothing can escape them. */
  static async start(lab: Lab): Promise<Watch> {
    const [table, ...captures] = await Promise.all([
      lab.router ? new RouterWatch(lab.router, lab.plan) : ConntrackWatch.start(lab),
      ...capturedLegs(lab.plan).map((leg) => Capture.start(lab, leg)),
    ]);
    return new Watch(lab, captures, table);
  }

  get processes(): readonly HostProcess[] {
    return [...this.captures.map(({ process }) => process), ...this.table.processes];
  }

  /**
   * Reads the rules' counters, so that what a failed transfer added to them can be told.
   *
   * @param at when that transfer ended, by the hosts' clock
   */
  async sampleRules(at: number): Promise<void> {
    this.ruleSamples.push(...(await readRules(this.lab, at)).events);
  }

  /** Collects what every vantage point saw and puts it on one clock. */
  async finish(reports: readonly HostReport[], steps: readonly StepRecord[]): Promise<Observation> {
    // What it has not sent on is in no capture yet.
    await this.lab.router?.settle();
    const [table, rules, ...captured] = await Promise.all([
      this.table.finish(),
      readRules(this.lab, Number.POSITIVE_INFINITY),
      ...this.captures.map((capture) => capture.finish()),
    ]);
    const told = reports.flatMap((report) => reportEvent(report) ?? []);
    const events = [
      ...told,
      ...steps.flatMap(stepEvents),
      ...table.events,
      ...this.ruleSamples,
      ...rules.events,
      ...captured.flatMap((capture) => capture.events),
    ];
    return observation(this.lab, events, {
      captures: captured.map(({ record }) => record),
      conntrackLost: table.lost,
      loaded: rules.loaded(),
    });
  }
}

/** What was seen when a run broke off: only what the programs told. */
export function partialObservation(lab: Lab, reports: readonly HostReport[]): Observation {
  const events = reports.flatMap((report) => reportEvent(report) ?? []);
  return observation(lab, events, { captures: [], conntrackLost: 0, loaded: NOTHING_LOADED });
}

/**
 * Puts events on one clock, the hosts' own: an engine may be on another machine, whose clock is not
 * this one's. Zero is the first event; what was read at the end, at no time of its own, is last.
 */
function observation(
  lab: Lab,
  raw: readonly RawEvent[],
  rest: Pick<Observation, 'captures' | 'conntrackLost' | 'loaded'>,
): Observation {
  const sorted = [...raw].sort((a, b) => a.at - b.at || 0);
  const startedAt = sorted[0]?.at ?? 0;
  const last = sorted.findLast(({ at }) => Number.isFinite(at))?.at ?? startedAt;
  const relative = (at: number): number => Math.round((Math.min(at, last) - startedAt) * 1e6) / 1e6;
  const events = sorted.map((event, index) => {
    const placed = { ...event, id: `e${index + 1}`, at: relative(event.at) };
    if (placed.kind !== 'flow') return placed;
    return { ...placed, until: relative(placed.until), times: placed.times?.map(relative) ?? null };
  });
  return { kernel: kernelOf(lab), startedAt, duration: relative(last), events, ...rest };
}

/** The kernel whose firewall was tested, and the one it ran on where that is another. */
function kernelOf({ kernel, router, plan }: Lab): string {
  return router ? `${plan.firewall.kernel} (a router on ${kernel})` : kernel;
}

import { NOTHING_LOADED } from '../firewall/effect';
import type { HostProcess, Lab } from '../engine/host';
import { isTraced } from './trace-table';
import type { HostReport } from '../engine/agent-process';
import type { StepRecord } from '../session/run-session';
import { Capture, capturedLegs } from './capture';
import { ConntrackWatch } from './conntrack-watch';
import { readRules } from './counters';
import type { Observation, RawEvent } from './event';
import { RouterWatch } from './router-watch';
import type { TableWatch } from './table-watch';
import { reportEvent, stepEvents } from './report-events';
import { capturedAs } from './trace-captured';
import { TraceWatch } from './trace-watch';

/** Everything that watches a lab from outside the FTP programs. */
export class Watch {
  private readonly ruleSamples: RawEvent[] = [];

  private constructor(
    private readonly lab: Lab,
    private readonly captures: readonly Capture[],
    private readonly table: TableWatch,
    /** null where the firewall is not the kernel's own, or nothing but probes passes it */
    private readonly trace: TraceWatch | null,
  ) {}

  /** Starts the captures, and what watches the connection table and the rules; resolves once nothing can escape them. */
  static async start(lab: Lab): Promise<Watch> {
    const [table, trace, ...captures] = await Promise.all([
      lab.router ? new RouterWatch(lab.router, lab.plan) : ConntrackWatch.start(lab),
      isTraced(lab.plan) ? TraceWatch.start(lab) : null,
      ...capturedLegs(lab.plan).map((leg) => Capture.start(lab, leg)),
    ]);
    return new Watch(lab, captures, table, trace);
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
    const [table, trace, rules, ...captured] = await Promise.all([
      this.table.finish(),
      this.trace?.finish() ?? null,
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
      ...(trace?.events(await rules.rowOf?.()) ?? []),
    ];
    return observation(this.lab, events, {
      captures: captured.map(({ record }) => record),
      conntrackLost: table.lost,
      loaded: rules.loaded(),
      trace: trace?.record ?? null,
    });
  }
}

/** What was seen when a run broke off: only what the programs told. */
export function partialObservation(lab: Lab, reports: readonly HostReport[]): Observation {
  const events = reports.flatMap((report) => reportEvent(report) ?? []);
  return observation(lab, events, {
    captures: [],
    conntrackLost: 0,
    loaded: NOTHING_LOADED,
    trace: null,
  });
}

/**
 * Puts events on one clock, the hosts' own: an engine may be on another machine, whose clock is not
 * this one's. Zero is the first event; what was read at the end, at no time of its own, is last.
 */
function observation(
  lab: Lab,
  raw: readonly RawEvent[],
  rest: Pick<Observation, 'captures' | 'conntrackLost' | 'loaded' | 'trace'>,
): Observation {
  // A trace is read later than its packet passed.
  const captured = capturedAs(raw);
  const timed = raw.map((event) => ({ event, at: captured.get(event)?.at ?? event.at }));
  const sorted = timed.sort((a, b) => a.at - b.at || 0);
  const startedAt = sorted[0]?.at ?? 0;
  const last = sorted.findLast(({ at }) => Number.isFinite(at))?.at ?? startedAt;
  const relative = (at: number): number => Math.round((Math.min(at, last) - startedAt) * 1e6) / 1e6;
  const ids = new Map(sorted.map(({ event }, index) => [event, `e${index + 1}`]));
  const idOf = (event: RawEvent | undefined): string | null => (event && ids.get(event)) ?? null;
  const events = sorted.map(({ event, at }, index) => {
    const placed = { ...event, id: `e${index + 1}`, at: relative(at) };
    if (placed.kind === 'trace') return { ...placed, captured: idOf(captured.get(event)) };
    if (placed.kind !== 'flow') return placed;
    return { ...placed, until: relative(placed.until), times: placed.times?.map(relative) ?? null };
  });
  return { kernel: kernelOf(lab), startedAt, duration: relative(last), events, ...rest };
}

/** The kernel whose firewall was tested, and the one it ran on where that is another. */
function kernelOf({ kernel, router, plan }: Lab): string {
  return router ? `${plan.firewall.kernel} (a router on ${kernel})` : kernel;
}

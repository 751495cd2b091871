import type { LabEvent, PacketEvent } from '../../src/observe/event';
import type { RunResult } from '../../src/verdict/run-result';
import type { Style } from '../../src/report/style';
import { recorded } from '../catalogue';

/** What the ladder tests look at. */
export const SCENARIOS = [
  'passive-nat',
  'active-nat',
  'active-nat-helper',
  't2-passive',
  't3-active-helper',
  'server-nat-helper-passive',
  'hash-marks',
  't1-exposure',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** Runs of the catalogue by name; all of them must have passed. */
export async function passed(names: readonly string[]): Promise<Map<string, RunResult>> {
  const all = await recorded(names);
  const failed = all.filter(({ outcome }) => outcome !== 'pass').map(({ scenario }) => scenario);
  if (failed.length > 0) throw new Error(`the scenarios to draw did not pass: ${failed.join()}`);
  return new Map(all.map((run) => [run.scenario, run]));
}

/** A run of that name, which must be there. */
export function pick(all: ReadonlyMap<string, RunResult>, name: ScenarioName): RunResult {
  const run = all.get(name);
  if (!run) throw new Error(`no run of ${name}`);
  return run;
}

/** A download that takes longer than the control entry lives. */
export const EXPIRY: readonly (readonly [string, string])[] = [
  ['  policy: drop\n', '  policy: drop\n  timeouts: { established: 1 s }\n'],
  ['  rules: |\n', '  rules: |\n    ct state invalid drop\n'],
  ['size: 64 KiB', 'size: 64 KiB, lasting: 3 s'],
];

/** Nine transfers that are alike. */
export const MANY: readonly (readonly [string, string])[] = [
  [
    '  - download: { mode: passive, size: 64 KiB }\n',
    Array.from(
      { length: 9 },
      (_, n) => `  - download: { name: file ${n + 1}, mode: passive, size: 4 KiB }\n`,
    ).join(''),
  ],
  ['  - download is complete', '  - file 9 is complete'],
];

const same = (text: string): string => text;
export const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same };

export function packetsOf(run: RunResult): PacketEvent[] {
  return run.events.filter((event) => event.kind === 'packet');
}

/** The same run with its packet events sent over and over, with sequence numbers and times of their own. */
export function enlarged(run: RunResult, events: number): RunResult {
  const packets = packetsOf(run);
  const more: LabEvent[] = [];
  for (let round = 1; run.events.length + more.length < events; round += 1) {
    for (const packet of packets) {
      more.push({
        ...packet,
        id: `${packet.id}-${round}`,
        at: packet.at + round * 0.2,
        sequence: (packet.sequence + round * 100_000) >>> 0,
      });
    }
  }
  return { ...run, events: [...run.events, ...more.slice(0, events - run.events.length)] };
}

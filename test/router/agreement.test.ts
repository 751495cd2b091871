import { join } from 'node:path';
import { findScenario, scenarioNames } from '../../src/scenario/catalogue';
import { loadScenario } from '../../src/scenario/load';
import type { RunResult } from '../../src/verdict/run-result';
import { recorded } from '../catalogue';
import { ROOT } from '../support';

// A Linux 2.2 firewall and today's kernel, side by side: the same scenario on both, wherever there is one. What
// they share must come out the same; where they differ, the difference is one that is known.

const DIRECTORY = join(ROOT, 'scenarios');
const SUFFIX = '-ipchains';

/** Scenarios that differ in the kind of firewall alone, by the name of today's. */
const PAIRS = scenarioNames(DIRECTORY)
  .filter((name) => name.endsWith(SUFFIX))
  .map((name) => name.slice(0, -SUFFIX.length))
  .filter((name) => scenarioNames(DIRECTORY).includes(name));

/** Where the two do not agree, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  't1-syn-probes': 'iptables’ --syn looks at FIN, too, so SYN+FIN is no SYN to it; ipchains’ -y does not',
  't2-exposure': 'the same of T2’s SYN row',
  't4-port-20-probes': 'and of T4’s',
};

const results = new Map<string, RunResult>();

beforeAll(async () => {
  const names = PAIRS.flatMap((name) => [name, `${name}${SUFFIX}`]);
  for (const run of await recorded(names)) results.set(run.scenario, run);
});

function of(name: string): RunResult {
  const found = results.get(name);
  if (!found) throw new Error(`${name} was not run`);
  return found;
}

/** What both must show: what became of each transfer, and where each probe got to. */
function shown({ outcome, transfers, probes, control }: RunResult): object {
  return {
    outcome,
    survived: control.survived,
    transfers: transfers.map(({ name, bytes, complete, finalReply, data }) => ({
      ...{ name, bytes, complete, finalReply },
      dialled: data && [data.dialledBy, data.sourcePort === 20, data.reached],
    })),
    probes,
  };
}

test('there are pairs for every table and direction', () => {
  expect(PAIRS.length).toBeGreaterThanOrEqual(15);
  for (const name of PAIRS.filter((one) => !(one in DIFFERENCES))) {
    const [today, old] = [name, `${name}${SUFFIX}`].map((one) => loadScenario(findScenario(DIRECTORY, one)));
    const same = ({ behind, session, firewall }: NonNullable<typeof today>): unknown => [
      behind,
      session,
      firewall.nat,
    ];
    expect(old && same(old)).toEqual(today && same(today));
  }
});

test.each(PAIRS.filter((name) => !(name in DIFFERENCES)))('%s: both show the same', (name) => {
  expect(shown(of(`${name}${SUFFIX}`))).toEqual(shown(of(name)));
});

test.each(Object.entries(DIFFERENCES))('%s: they differ in SYN+FIN alone (%s)', (name) => {
  const [today, old] = [of(name), of(`${name}${SUFFIX}`)];
  const probes = ({ probes: all }: RunResult, withFin: boolean) =>
    all.filter(({ flags }) => (flags === 'SYN+FIN') === withFin);
  expect(probes(old, false)).toEqual(expect.arrayContaining(probes(today, false)));
  const arrived = (run: RunResult) =>
    probes(run, true).flatMap(({ exposure }) => exposure.map((one) => one.arrived));
  expect(arrived(old).flat()).toEqual([]);
  expect(arrived(today).flat()).not.toEqual([]);
});

test('every rule counts the same probes', () => {
  for (const name of ['t1-x-windows', 't1-exposure', 't5-exposure']) {
    const counts = (run: RunResult) =>
      run.rules.filter(({ row }) => row !== 'policy').map(({ row, packets }) => [row, packets]);
    expect({ name, counts: counts(of(`${name}${SUFFIX}`)) }).toEqual({ name, counts: counts(of(name)) });
  }
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { LabEvent, Observation, TraceEvent } from '../../src/observe/event';
import { CAUSE_CODES, type CauseCode } from '../../src/scenario';
import { CAUSES, diagnose, proven } from '../../src/verdict/diagnosis';
import { sortOut } from '../../src/verdict/facts';
import { judge } from '../../src/verdict/judge';
import { generator } from '../seed';
import { ROOT } from '../support';
import { again, record, type Recorded } from './recorded';

// Every cause, provoked with real packets, and its evidence taken away.

const SCENARIOS = join(ROOT, 'scenarios');
const recorded = new Map<string, Recorded>();

/** Where each cause must have been seen: both sides, where the matter has two. */
const VANTAGES: Readonly<Record<CauseCode, readonly string[]>> = {
  'name-not-resolved': ['client', 'firewall inside', 'rules'],
  'control-dropped': ['firewall outside', 'rules', 'trace'],
  'nat-not-applied': ['firewall inside', 'firewall outside', 'rules'],
  'control-expired': ['client', 'conntrack', 'firewall inside', 'firewall outside', 'server'],
  'reply-lost': ['client', 'firewall outside', 'rules', 'server', 'trace'],
  'control-encrypted': ['client', 'conntrack', 'server'],
  'helper-on-another-port': ['client', 'conntrack', 'firewall outside'],
  'helper-too-early': ['client', 'conntrack', 'firewall outside', 'rules'],
  'helper-not-attached': ['client', 'conntrack', 'firewall outside'],
  'inside-address-in-port': ['client', 'firewall outside'],
  'inside-address-in-227': ['client', 'firewall inside', 'firewall outside'],
  'server-refused-port': ['client', 'server'],
  'passive-range-exhausted': ['client', 'server'],
  'double-fix': ['conntrack', 'firewall inside', 'firewall outside'],
  'expectation-filtered': ['conntrack', 'firewall outside', 'rules', 'trace'],
  'helper-not-loaded': ['conntrack', 'firewall outside', 'rules', 'trace'],
  'reset-by-row': ['firewall inside', 'rules', 'trace'],
  'limit-spent': ['firewall inside', 'rules', 'trace'],
  'data-from-other-port': ['firewall outside', 'rules', 'trace'],
  'data-dropped': ['firewall inside', 'rules', 'trace'],
  'not-forwarded': ['conntrack', 'firewall outside'],
  'reset-by-peer': ['firewall inside', 'firewall outside'],
  'data-peer-not-control-peer': ['client', 'firewall inside', 'firewall outside'],
  'client-gave-up': ['client', 'firewall inside', 'firewall outside', 'lab', 'server'],
};

/**
 * Evidence that another side can stand in for: the PORT a server heard is on its leg, a SYN is on two, and counters
 * tell of what rules stopped where the kernel traces nothing.
 */
const ELSEWHERE: readonly (readonly [CauseCode, string])[] = [
  ['server-refused-port', 'server'],
  ['data-peer-not-control-peer', 'firewall inside'],
];

function twinOf(scenario: string): string {
  return /^twin: (.+)$/m.exec(readFileSync(join(SCENARIOS, `${scenario}.yaml`), 'utf8'))?.[1] ?? '';
}

function run(scenario: string): Recorded {
  const found = recorded.get(scenario);
  if (!found) throw new Error(`${scenario} was not run`);
  return found;
}

/**
 * What is true of a provoked failure besides: seen with less evidence, a failure may be called by the wider
 * name.
 */
const ALSO_TRUE: Readonly<Partial<Record<CauseCode, readonly CauseCode[]>>> = {
  'control-encrypted': ['inside-address-in-port', 'server-refused-port'],
  'helper-on-another-port': ['inside-address-in-port', 'server-refused-port'],
  'helper-too-early': ['inside-address-in-port', 'server-refused-port'],
  'helper-not-attached': ['inside-address-in-port', 'server-refused-port'],
  'inside-address-in-port': ['server-refused-port'],
  'double-fix': ['not-forwarded'],
  'expectation-filtered': ['data-dropped'],
  'helper-not-loaded': ['data-dropped'],
  'reset-by-row': ['data-dropped'],
  'limit-spent': ['data-dropped'],
  'data-from-other-port': ['data-dropped'],
};

/** What may be said of a run, whatever is missing of its record. */
function trueOf(scenario: string): ReadonlySet<string> {
  const { code } = CAUSES.find((cause) => cause.scenario === scenario) ?? {};
  return new Set(['unproven', ...(code === undefined ? [] : [code, ...(ALSO_TRUE[code] ?? [])])]);
}

beforeAll(async () => {
  const names = CAUSES.flatMap(({ scenario }) => [scenario, twinOf(scenario)]);
  const all = await record([...new Set(names)]);
  for (const one of all) recorded.set(one.result.scenario, one);
});

test('every code is in the table once, and every cause has a scenario of its own', () => {
  expect(CAUSES.map(({ code }) => code).sort()).toEqual([...CAUSE_CODES].sort());
  expect(new Set(CAUSES.map(({ scenario }) => scenario)).size).toBe(CAUSES.length);
  for (const { needs } of CAUSES) expect(needs).not.toBe('');
});

describe.each(CAUSES.map(({ code, scenario }) => [code, scenario] as const))(
  '%s, by %s',
  (code, scenario) => {
    test('is what the lab says, in words and with a remedy, and its twin passes', () => {
      const { result } = run(scenario);
      expect({ outcome: result.outcome, reason: result.reason }).toEqual({ outcome: 'pass', reason: null });
      expect(result.diagnosis[0]).toMatchObject({ code });
      expect(result.diagnosis[0]?.text).toMatch(/\.$/);
      expect(result.diagnosis[0]?.remedy).toMatch(/\.$/);
      const twin = run(twinOf(scenario)).result;
      expect(twin).toMatchObject({ outcome: 'pass', diagnosis: [] });
      expect(twin.transfers.every(({ complete }) => complete)).toBe(true);
    });

    test('names events that were seen, from every side that matters', () => {
      const { result } = run(scenario);
      const named = result.diagnosis[0]?.events ?? [];
      expect(new Set(named).size).toBe(named.length);
      const seen = named.map((id) => result.events.find((event) => event.id === id)?.vantage);
      expect([...new Set(seen)].sort()).toEqual(VANTAGES[code]);
    });

    test('is not said when an event it rests on was not seen', () => {
      const one = run(scenario);
      const [cause] = one.result.diagnosis;
      expect(cause?.events.length).toBeGreaterThan(1);
      const allowed = trueOf(scenario);
      for (const id of cause?.events ?? []) {
        const gone = (event: LabEvent): boolean => event.id === id;
        const result = again(one, (observation) => ({
          ...observation,
          events: observation.events.filter((event) => !gone(event)),
        }));
        const found = result.diagnosis.find(({ transfer }) => transfer === cause?.transfer);
        // Another event may say the same, as the client's leg does of the server's; then it is that one's word.
        expect(allowed).toContain(found?.code ?? 'unproven');
        expect(found?.events ?? []).not.toContain(id);
      }
    });
  },
);

const SIDES = CAUSES.flatMap(({ code, scenario }) =>
  // What the lab itself tells, that transfers begin and end, is no evidence of its own.
  VANTAGES[code].filter((side) => side !== 'lab').map((side) => [code, side, scenario] as const),
);

test.each(SIDES)('%s takes what was seen from the side of %s', (code, side, scenario) => {
  const result = again(run(scenario), (observation) => ({
    ...observation,
    events: observation.events.filter(({ vantage }) => vantage !== side),
    captures: observation.captures.filter(({ leg }) => side !== `firewall ${leg}`),
  }));
  const said = result.diagnosis.map((cause) => cause.code);
  if (side === 'trace' || ELSEWHERE.some(([cause, from]) => cause === code && from === side))
    expect(said).toContain(code);
  else expect(said).not.toContain(code);
});

test('the kernel’s word on a packet goes before the counters', () => {
  const { scenario } = CAUSES.find(({ code }) => code === 'data-dropped') ?? { scenario: '' };
  const one = run(scenario);
  const stopped = one.result.diagnosis[0]?.events ?? [];
  const retold = (change: Partial<TraceEvent>): Recorded['result'] =>
    again(one, (observation) => ({
      ...observation,
      events: observation.events.map((event) =>
        event.kind === 'trace' && stopped.includes(event.id) ? { ...event, ...change } : event,
      ),
    }));
  // Rules counted packets that they stopped, but not this one.
  expect(retold({ fate: 'passed' }).diagnosis[0]?.code).toBe('unproven');
  // Of a packet whose fate is not known the counters are all there is.
  expect(retold({ fate: 'unknown' }).diagnosis[0]?.text).toBe(one.result.diagnosis[0]?.text);
  const [row] = one.result.rules;
  const step = { chain: 'x', handle: 1, row: row?.row ?? null, verdict: 'drop', packet: null };
  expect(retold({ steps: [step] }).diagnosis[0]?.text).toContain(`stopped by row 1, “${row?.text ?? '?'}”`);
});

test('of each provoked failure just so much is true as is meant', () => {
  for (const { code, scenario } of CAUSES) {
    const { plan, observation } = run(scenario);
    const facts = sortOut(plan, observation);
    const codes = facts.transfers.flatMap((of) => proven(facts, of).map((cause) => cause.code));
    expect(codes).toEqual([code, ...(ALSO_TRUE[code] ?? [])]);
  }
});

test('evidence taken away at random, and put into any order, names no false cause', () => {
  const ways = [
    { dropped: 0, moved: 1, told: false },
    { dropped: 0.05, moved: 0, told: false },
    { dropped: 0.2, moved: 0, told: false },
    { dropped: 0.2, moved: 0.05, told: false },
    // As the lab's own recorders do, when so much of what they saw is lost.
    { dropped: 0.5, moved: 0, told: true },
    { dropped: 0.5, moved: 1, told: true },
  ];
  const named = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.constantFrom(...recorded.keys()),
      fc.integer(),
      fc.constantFrom(...ways),
      (scenario, seed, way) => {
        const one = run(scenario);
        const observation = spoil(one.observation, seed, way);
        for (const { code, text, events } of diagnose(sortOut(one.plan, observation))) {
          named.set(code, (named.get(code) ?? 0) + 1);
          if (!trueOf(scenario).has(code)) throw new Error(`${code} is not true: ${text}`);
          expect(observation.events.map(({ id }) => id)).toEqual(expect.arrayContaining([...events]));
        }
      },
    ),
    { seed: 5, numRuns: 2000 },
  );
  // It proves something only where much is still named.
  expect([...named.keys()].sort()).toEqual([...CAUSE_CODES, 'unproven'].sort());
});

/**
 * Drops events and gives others another's time, each with its probability.
 *
 * @param told whether the record says that it has gaps
 */
function spoil(
  observation: Observation,
  seed: number,
  { dropped, moved, told }: { dropped: number; moved: number; told: boolean },
): Observation {
  const random = generator(seed);
  const times = observation.events.map(({ at }) => at);
  const kept = observation.events.filter(() => random() >= dropped);
  const events = kept
    .map((event) =>
      random() < moved ? { ...event, at: times[Math.floor(random() * times.length)] ?? 0 } : event,
    )
    .sort((a, b) => a.at - b.at);
  const lost = told ? observation.events.length - kept.length : 0;
  const captures = observation.captures.map((capture) => ({ ...capture, lost }));
  return { ...observation, events, captures, conntrackLost: lost };
}

test('a SYN that the far leg does not show was not dropped when conntrack let its connection in', () => {
  const one = run('reply-lost');
  const handshake = (event: LabEvent): boolean =>
    (event.kind === 'packet' &&
      event.leg === 'outside' &&
      event.flags === 'S' &&
      event.destinationPort !== 21) ||
    event.kind === 'flow' ||
    event.kind === 'data';
  const spoilt = (...gone: readonly LabEvent['kind'][]) =>
    again(one, (observation) => ({
      ...observation,
      events: observation.events.filter(
        (event) =>
          !handshake(event) &&
          !(event.kind === 'packet' && event.payload.startsWith('226')) &&
          !gone.includes(event.kind),
      ),
    })).diagnosis.map(({ code }) => code);
  expect(spoilt('trace')).toEqual(['unproven']);
  // The kernel's trace of it says so, too: no rule stopped it.
  expect(spoilt('conntrack')).toEqual(['unproven']);
  // Without either, all that is left would say so: the rule that took the 226 counted packets.
  expect(spoilt('conntrack', 'trace')).toEqual(['data-dropped']);
});

test('where nothing proves a cause, what is missing is said', () => {
  const one = run('nat-port-2121');
  const result = again(one, (observation) => ({
    ...observation,
    events: observation.events.filter(
      ({ kind, vantage }) => kind !== 'packet' && kind !== 'conntrack' && vantage !== 'server',
    ),
  }));
  expect(result.diagnosis).toMatchObject([{ code: 'unproven' }]);
  expect(result.diagnosis[0]?.text).toContain(
    'for helper-on-another-port: what a helper would have prevented, conntrack’s entry of the control connection, without a helper',
  );
});

test('the lab’s own fault is no cause of FTP’s: it is an outcome of its own, with its reason and no diagnosis', () => {
  for (const { scenario } of CAUSES) {
    const { plan, observation } = run(scenario);
    const result = judge(plan, observation, 'tcpdump on the inside leg ended in mid-run');
    expect(result).toMatchObject({
      outcome: 'infra-error',
      reason: 'tcpdump on the inside leg ended in mid-run',
      diagnosis: [],
      expectations: [],
    });
  }
});

import type { LabEvent, Observation } from '../../src/observe/event';
import { judge } from '../../src/verdict/judge';
import type { RunResult } from '../../src/verdict/run-result';
import { runs, scenarioWith, scratch } from '../support';
import { again, fromEvidence, record, type Recorded } from './recorded';

let blocked: Recorded;
let helped: Recorded;
let dropped: Recorded;

beforeAll(async () => {
  const folder = scratch();
  const closed = scenarioWith(
    [
      [
        'iifname "inside" oifname "outside" ct state new accept',
        'iifname "inside" oifname "outside" tcp dport 21 accept\n    tcp dport 50000-50099 drop',
      ],
      ['patience: 3 s', 'patience: 1200 ms'],
      ['download is complete', 'download is blocked'],
    ],
    folder,
  );
  const { runs: own } = await runs(['--keep', closed], folder);
  const all = [
    ...(await record(['active-nat', 'active-nat-helper'])),
    ...own.map((run) => fromEvidence(run, folder)),
  ];
  [blocked, helped, dropped] = all as [Recorded, Recorded, Recorded];
});

const without = (test: (event: LabEvent) => boolean) => (observation: Observation) => ({
  ...observation,
  events: observation.events.filter((event) => !test(event)),
});
const held = (result: RunResult, text: string): boolean | undefined =>
  result.expectations.find((expectation) => expectation.text === text)?.held;

test('judged again from its recording, a run gives the same result', () => {
  for (const recorded of [blocked, helped, dropped]) {
    const { outcome, expectations, claims, transfers, diagnosis, rules } = again(recorded, (o) => o);
    const expected = recorded.result;
    expect({ outcome, expectations, claims, transfers, diagnosis, rules }).toEqual({
      outcome: expected.outcome,
      expectations: expected.expectations,
      claims: expected.claims,
      transfers: expected.transfers,
      diagnosis: expected.diagnosis,
      rules: expected.rules,
    });
  }
});

test('that nothing was expected is proven by a watch that saw the rest', async () => {
  const [run] = await record(['masq-module-timestamps']);
  if (!run) throw new Error('not recorded');
  const text = 'the firewall does not expect the data connection of the download';
  expect(held(run.result, text)).toBe(true);
  expect(
    held(
      again(
        run,
        without(({ kind }) => kind === 'conntrack'),
      ),
      text,
    ),
  ).toBe(false);
  expect(
    held(
      again(run, (observation) => ({ ...observation, conntrackLost: 1 })),
      text,
    ),
  ).not.toBe(true);
});

describe('a block is proven or not held', () => {
  test('by a drop: SYN inside, none outside, the row’s counter', () => {
    expect(dropped.result).toMatchObject({ outcome: 'pass', diagnosis: [{ code: 'data-dropped' }] });
    expect(dropped.result.diagnosis[0]?.text).toContain('row 3, “tcp dport 50000-50099 drop”');
  });

  test.each<[string, (event: LabEvent) => boolean]>([
    [
      'the SYN inside',
      (event) =>
        event.kind === 'packet' &&
        event.leg === 'inside' &&
        event.flags === 'S' &&
        event.destinationPort !== 21,
    ],
    ['the counters', (event) => event.kind === 'rule'],
    [
      'the dialogue',
      (event) => event.kind === 'ftp-line' || (event.kind === 'packet' && event.payload !== ''),
    ],
  ])('not without %s', (_what, test_) => {
    const result = again(dropped, without(test_));
    expect(held(result, 'download is blocked')).toBe(false);
    expect(result.diagnosis[0]?.code).toBe('unproven');
    expect(result.diagnosis[0]?.text).toContain('Missing:');
  });

  test('not with a capture that lost packets: then the lab failed, and nothing is judged', () => {
    const result = again(dropped, (observation) => ({
      ...observation,
      captures: observation.captures.map((capture) => ({
        ...capture,
        lost: capture.leg === 'outside' ? 7 : 0,
      })),
    }));
    expect(result).toMatchObject({ outcome: 'infra-error', expectations: [], claims: [], diagnosis: [] });
    expect(result.reason).toBe('the outside capture lost 7 packets, and a check depends on them');
  });

  test('a lost packet that no check depends on changes no verdict', () => {
    const result = again(helped, (observation) => ({
      ...observation,
      captures: observation.captures.map((capture) => ({ ...capture, lost: 1 })),
    }));
    expect(result.outcome).toBe('pass');
  });

  test.each([
    ['not by a counter that had its packets before this transfer', false],
    ['but by a trace of the packet, whenever the counter had its packets', true],
  ])('%s', (_what, traced) => {
    const result = again(dropped, (observation) => {
      const events = observation.events.filter(({ kind }) => traced || kind !== 'trace');
      const early = events
        .filter((event) => event.kind === 'rule')
        .map((event) => ({ ...event, id: `${event.id}x`, at: 0 }));
      return { ...observation, events: [...early, ...events] };
    });
    expect(held(result, 'download is blocked')).toBe(traced);
  });

  test('by the counters alone, where the kernel traced nothing', () => {
    const result = again(
      dropped,
      without(({ kind }) => kind === 'trace'),
    );
    expect(held(result, 'download is blocked')).toBe(true);
  });

  test('by an inside address in PORT: not without the packet outside that shows it', () => {
    const result = again(
      blocked,
      without(
        (event) => event.kind === 'packet' && event.leg === 'outside' && event.payload.startsWith('PORT'),
      ),
    );
    expect(result.diagnosis[0]?.code).not.toBe('inside-address-in-port');
    expect(held(result, 'the PORT of the download arrives outside unchanged')).toBe(false);
    expect(result.claims[0]?.verdict).not.toBe('upheld');
  });

  test('a timeout alone is never a cause', () => {
    const result = again(
      dropped,
      without((event) => event.kind !== 'step'),
    );
    expect(result.diagnosis.map(({ code }) => code)).toEqual(['unproven']);
    expect(result.outcome).toBe('fail');
  });
});

test('a file of the right length with other content is not complete', () => {
  const result = again(helped, (observation) => ({
    ...observation,
    events: observation.events.map((event) =>
      event.kind === 'file' && event.role === 'received'
        ? { ...event, sha256: event.sha256.replace(/^./, 'x') }
        : event,
    ),
  }));
  expect(result.transfers.map(({ bytes, complete }) => ({ bytes, complete }))).toEqual([
    { bytes: 1_048_576, complete: false },
    { bytes: 1_048_576, complete: false },
  ]);
  expect(result.outcome).toBe('fail');
});

test('bytes and the final reply are two facts', () => {
  const result = again(
    helped,
    without((event) => event.kind === 'ftp-line' && event.line.startsWith('226')),
  );
  expect(result.transfers[0]).toMatchObject({ complete: true, finalReply: null });
});

test('a failure of the lab takes every verdict with it', () => {
  const result = judge(helped.plan, helped.observation, 'tcpdump ended');
  expect(result).toMatchObject({
    outcome: 'infra-error',
    reason: 'tcpdump ended',
    expectations: [],
    diagnosis: [],
  });
  expect(result.claims.length).toBeGreaterThan(0);
  for (const claim of result.claims) {
    expect(claim).toMatchObject({ verdict: 'untested', why: 'tcpdump ended', checks: [], events: [] });
  }
});

test('evidence of one run, shuffled into another’s order, names no false cause', () => {
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let round = 0; round < 200; round += 1) {
    const times = helped.observation.events.map(({ at }) => at);
    const events = helped.observation.events
      .map((event) => ({ ...event, at: times[Math.floor(random() * times.length)] ?? 0 }))
      .sort((a, b) => a.at - b.at) as LabEvent[];
    const result = again(helped, (observation) => ({ ...observation, events }));
    // Nothing was dropped, refused or reset in that run, so nothing may be said to have been.
    expect(result.diagnosis.filter(({ code }) => code !== 'unproven')).toEqual([]);
  }
});

test('where the helper is attached already, no remedy asks for it', async () => {
  const [unforwarded] = await record(['server-nat-passive-unforwarded']);
  if (!unforwarded) throw new Error('not recorded');
  const attached = (observation: Observation): Observation => ({
    ...observation,
    events: observation.events.map((event) =>
      event.kind === 'conntrack' && event.original.destinationPort === 21
        ? { ...event, helper: 'ftp' }
        : event,
    ),
  });
  for (const [run, code] of [
    [blocked, 'inside-address-in-port'],
    [unforwarded, 'not-forwarded'],
  ] as const) {
    const [before] = run.result.diagnosis;
    const [after] = again(run, attached).diagnosis;
    expect([before?.code, after?.code]).toEqual([code, code]);
    expect(before?.remedy).toMatch(/attach the FTP helper/i);
    expect(after?.remedy).not.toMatch(/attach/i);
  }
});

test('a port that was named in place of an inside address is not called one that nobody forwards', async () => {
  const [run] = await record(['active-unforwarded-range']);
  if (!run) throw new Error('not recorded');
  expect(run.result.diagnosis[0]?.code).toBe('not-forwarded');
  const said = (text: string): string => text.replace(/^PORT \d+,\d+,\d+,\d+,/, 'PORT 10,0,0,10,');
  // As if a helper had rewritten it, whose expectation is not in the record.
  const result = again(run, (observation) => ({
    ...observation,
    events: observation.events.map((event) =>
      event.kind === 'packet' && event.leg === 'inside' ? { ...event, payload: said(event.payload) } : event,
    ),
  }));
  expect(result.diagnosis[0]?.code).not.toBe('not-forwarded');
});

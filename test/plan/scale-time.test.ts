import fc from 'fast-check';
import { makePlan } from '../../src/plan/make-plan';
import type { Plan } from '../../src/plan/plan';
import { timeScale } from '../../src/plan/scale-time';
import { loadScenario } from '../../src/scenario/load';
import type { Scenario } from '../../src/scenario/scenario';
import { scenarioWith } from '../support';

// The scenario's seconds become the run's in one place, all together, and never so few that what the
// scenario tells apart could be taken for each other.

function scenario(timeouts: string, lasting: string, patience = '3 s'): Scenario {
  return loadScenario(
    scenarioWith([
      ['policy: drop', `policy: drop\n  timeouts: { ${timeouts} }`],
      ['size: 64 KiB', `size: 64 KiB, lasting: ${lasting}`],
      ['patience: 3 s', `patience: ${patience}`],
    ]),
  );
}

function plan(of: Scenario, choice: number | 'auto' | 'real' = 'auto'): Plan {
  return makePlan(of, { capture: true, engine: 'netns', timeScale: choice });
}

const sysctl = ({ hosts }: Plan, name: string): string | undefined =>
  hosts.firewall.sysctls[`net/netfilter/nf_conntrack_${name}`];

test.each([
  // 960 s in under 10 s is ×96 at least, and 900 is a whole number of seconds at ×100 next.
  ['established: 15m', '16m', 100, '9'],
  ['established: 15m', '14m', 90, '10'],
  ['established: 2h', '110m', 720, '10'],
  ['established: 2h', '130m', 800, '9'],
  // What follows a FIN, or is UDP’s, is no matter of how long a transfer is silent.
  ['established: 15m, udp: 1000s', '16m', 100, '9'],
  // 14 min 50 s beside 15 min: ten seconds must remain half a second.
  ['established: 15m', '890s', 20, '45'],
])('timeouts { %s } and a transfer of %s: ×%i', (timeouts, lasting, scale, established) => {
  const made = plan(scenario(timeouts, lasting, '10m'));
  expect(made.timeScale).toBe(scale);
  expect(sysctl(made, 'tcp_timeout_established')).toBe(established);
});

test('what lasts a few seconds anyway is not scaled, nor what is asked for in real time', () => {
  expect(plan(scenario('established: 1s', '10 s')).timeScale).toBe(1);
  const long = scenario('established: 15m', '16m', '10m');
  const made = plan(long, 'real');
  expect(made).toMatchObject({ timeScale: 1, times: [], client: { patience: 600 } });
  expect(made.transfers[0]?.file?.lasting).toBe(960);
  expect(sysctl(made, 'tcp_timeout_established')).toBe('900');
  expect(sysctl(made, 'tcp_timeout_time_wait')).toBeUndefined();
});

test('timeouts, pacing and patience are scaled together, and the report knows both', () => {
  const made = plan(scenario('established: 15m, fin-wait: 5m, udp: 10m', '16m', '10m'));
  expect(made.transfers[0]?.file?.lasting).toBeCloseTo(9.6, 9);
  expect(made.client.patience).toBe(6);
  expect(made.server.patience).toBe(6);
  expect(sysctl(made, 'udp_timeout')).toBe('6');
  expect(made.times).toEqual([
    { what: 'the established timeout', seconds: 900, runSeconds: 9 },
    { what: 'the fin-wait timeout', seconds: 300, runSeconds: 3 },
    { what: 'the udp timeout', seconds: 600, runSeconds: 6 },
    { what: 'the download', seconds: 960, runSeconds: 9.6 },
    { what: 'the patience', seconds: 600, runSeconds: 6 },
  ]);
});

test('timeouts the scenario is silent about are scaled too, down to three seconds', () => {
  const made = plan(scenario('established: 15m', '16m', '10m'));
  expect(sysctl(made, 'udp_timeout_stream')).toBe('3');
  expect(sysctl(made, 'tcp_timeout_max_retrans')).toBe('3');
  expect(sysctl(plan(scenario('established: 15m', '16m', '10m'), 10), 'tcp_timeout_time_wait')).toBe('12');
});

test('patience the scenario is silent about is the lab’s own, and no scale shortens it', () => {
  const of = { ...scenario('established: 15m', '16m'), patience: null };
  expect(plan(of).client.patience).toBe(3);
});

test.each<[string, Scenario, number, string]>([
  [
    'a timeout under two seconds',
    scenario('established: 15m, fin-wait: 10s', '16m', '10m'),
    6,
    ':8:43: the fin-wait timeout is 10 s, and at --time-scale 6 it would be 1.667 s; it must be 2 s or more; the highest scale that works here is 5',
  ],
  [
    'a timeout no longer to be told from a transfer',
    scenario('established: 15m', '14m', '10m'),
    150,
    ':8:28: the established timeout is 900 s, and at --time-scale 150 it would be 6 s beside the 5.6 s of the download; they must be 0.5 s apart; the highest scale that works here is 120',
  ],
  [
    'patience',
    scenario('established: 15m', '16m', '30s'),
    100,
    ':14:11: the patience is 30 s, and at --time-scale 100 it would be 0.3 s; it must be 0.5 s or more; the highest scale that works here is 60',
  ],
])(
  'too high a scale is refused, with the place and the highest that works: %s',
  (_what, of, scale, message) => {
    const refused = (): unknown => timeScale(of, scale);
    expect(refused).toThrow(message);
    const highest = Number(/(\d+)$/.exec(message)?.[1]);
    expect(timeScale(of, highest)).toBe(highest);
  },
);

test('whatever scale is chosen, a transfer stays on its side of the timeout, half a second off', () => {
  const base = scenario('established: 15m', '16m', '10m');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 1, max: 20_000 }),
      (limit, lasting) => {
        fc.pre(Math.abs(limit - lasting) >= 1);
        const [step] = base.session;
        const of = {
          ...base,
          patience: null,
          firewall: { ...base.firewall, timeouts: { established: limit } },
          session: step?.kind === 'transfer' ? [{ ...step, lasting }] : [],
        };
        const made = plan(of);
        const timeout = Number(sysctl(made, 'tcp_timeout_established'));
        const length = made.transfers[0]?.file?.lasting ?? 0;
        expect(Math.sign(length - timeout)).toBe(Math.sign(lasting - limit));
        if (made.timeScale === 1) return;
        expect(Math.abs(length - timeout)).toBeGreaterThanOrEqual(0.5);
        expect(timeout).toBeGreaterThanOrEqual(2);
      },
    ),
  );
});

test.each([
  ['-5m', 'firewall.timeouts.established is "-5m"; allowed: a duration with its unit'],
  ['0s', 'firewall.timeouts.established is 0s; allowed: whole seconds, 1 s or more'],
  ['1500 ms', 'firewall.timeouts.established is 1500 ms; allowed: whole seconds, 1 s or more'],
  ['800h', 'firewall.timeouts.established is 800h; allowed: up to 576 h, which are 24 days'],
  ['600h', 'firewall.timeouts.established is 600h; allowed: up to 576 h, which are 24 days'],
])('a timeout of %s is refused with its place', (duration, message) => {
  expect(() => scenario(`established: ${duration}`, '16m')).toThrow(`case.yaml:8:28: ${message}`);
});

test.each([
  ['-1 s', 'is "-1 s"; allowed: a duration with its unit'],
  ['31000 h', 'is 31000 h; allowed: up to 720 h, which are 30 days'],
])('a transfer lasting %s is refused with its place', (duration, message) => {
  expect(() => scenario('established: 15m', duration)).toThrow(message);
});

test('connection tracking’s settings are none of ipchains’', () => {
  const file = scenarioWith([
    ['kind: nftables', 'kind: ipchains\n  loose: false'],
    [/ {2}rules: \|\n.*\n.*\n/, '  timeouts: { established: 15m }\n'],
  ]);
  expect(() => loadScenario(file)).toThrow('loose is of connection tracking, which Linux 2.2 has not');
  expect(() => loadScenario(file)).toThrow(
    'ipchains sets its own by a rule such as "ipchains -M -S 900 120 300"',
  );
});

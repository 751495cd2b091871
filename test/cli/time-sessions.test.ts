import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import type { RunResult } from '../../src/verdict/run-result';
import { runs, scratch } from '../support';

// What a session can do about time, with real packets and short timeouts, nothing scaled.

interface Shape {
  readonly firewall?: string;
  readonly client?: string;
  readonly server?: string;
  readonly session: readonly string[];
  readonly expect?: readonly string[];
}

function scenario({ firewall = '', client = '', server = '', session, expect: sentences }: Shape): string {
  const list = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join('');
  return `title: A session
claim: It does what it says.
behind: client
firewall:
  kind: nftables
  nat: masquerade
  policy: drop
  rules: |
    ct state established,related accept
    iifname "inside" oifname "outside" accept
${firewall}server: { program: ftp-srv${server} }
client: { program: basic-ftp${client} }
patience: 1 s
session:
${list(session)}expect:
${list(sentences ?? ['the control connection survives'])}`;
}

const TWO = '  timeouts: { established: 2s }\n';
const STRICT = `${TWO}  loose: false\n`;
const SMALL = 'download: { mode: passive, size: 4 KiB }';
const SLOW = 'lasting: 3500 ms';
const COMPLETE = ['download is complete', 'download ends with reply 226', 'the control connection survives'];

const SHAPES: Readonly<Record<string, Shape>> = {
  noop: {
    firewall: TWO,
    session: [
      `download: { mode: passive, size: 4 KiB, ${SLOW}, noop-every: 700 ms }`,
      'list: { mode: passive }',
    ],
    expect: [...COMPLETE, 'a packet crosses the control connection while the download moves'],
  },
  'noop-active': {
    firewall: `${TWO}  modules: [ip_conntrack_ftp, ip_nat_ftp]\n`,
    session: [`download: { mode: active, size: 4 KiB, ${SLOW}, noop-every: 700 ms }`],
    expect: COMPLETE,
  },
  'keep-alive-client': {
    firewall: TWO,
    client: ', keep-alive: 1s',
    session: ['idle: 3500 ms', SMALL],
    expect: COMPLETE,
  },
  'keep-alive-server': {
    firewall: TWO,
    server: ', keep-alive: 1s',
    session: ['idle: 3500 ms', SMALL],
    expect: COMPLETE,
  },
  'keep-alive-off': {
    firewall: STRICT,
    client: ', keep-alive: off',
    session: ['idle: 3500 ms', 'command: NOOP', SMALL],
    expect: [
      'the control connection expires 2 s after its last packet',
      'the client is the first to speak after the control connection has expired',
      'download is complete',
    ],
  },
  'changed-before': {
    firewall: TWO,
    session: ['set-timeouts: { established: 60s }', 'command: NOOP', 'idle: 2500 ms', SMALL],
    expect: [...COMPLETE, "the control connection's entry has a timeout of 60 s"],
  },
  'changed-meanwhile': {
    firewall: STRICT,
    session: [
      `download: { mode: passive, size: 4 KiB, ${SLOW}, set-timeouts: { at: 1s, established: 60s } }`,
    ],
    expect: ['download is complete', 'the control connection expires 2 s after its last packet'],
  },
};

let all: ReadonlyMap<string, RunResult>;

beforeAll(async () => {
  const folder = scratch();
  const files = Object.entries(SHAPES).map(([name, shape]) => {
    writeFileSync(join(folder, `${name}.yaml`), scenario(shape));
    return `./${name}.yaml`;
  });
  const done = await runs([...files, '--jobs', '7'], folder);
  all = new Map(done.runs.map((run) => [run.scenario, run]));
});

function run(name: string): RunResult {
  const found = all.get(name);
  if (!found) throw new Error(`${name} did not run`);
  return found;
}

function said(name: string, direction: 'command' | 'reply'): string[] {
  return run(name)
    .events.filter((event) => event.kind === 'ftp-line')
    .filter((event) => event.vantage === 'client' && event.direction === direction)
    .map(({ line }) => line);
}

test.each(Object.keys(SHAPES))('%s: what is expected holds, and nothing was scaled', (name) => {
  const { expectations, outcome, reason, timeScale } = run(name);
  expect(expectations.filter(({ held }) => !held)).toEqual([]);
  expect({ outcome, reason, timeScale }).toEqual({ outcome: 'pass', reason: null, timeScale: 1 });
});

test.each(['noop', 'noop-active'])(
  '%s: NOOPs are sent, each has its reply, and none is taken for the file’s',
  (name) => {
    const noops = said(name, 'command').filter((line) => line === 'NOOP').length;
    expect(noops).toBeGreaterThanOrEqual(4);
    expect(run(name).transfers.every(({ finalReply }) => finalReply === 226 || finalReply === null)).toBe(
      true,
    );
    expect(run(name).transfers[0]).toMatchObject({ finalReply: 226, complete: true, error: null });
    // TYPE I has one, too.
    expect(said(name, 'reply').filter((line) => line.startsWith('200 '))).toHaveLength(
      noops + 1 + said(name, 'command').filter((line) => line.startsWith('PORT')).length,
    );
  },
);

test.each([
  ['keep-alive-client', 'client'],
  ['keep-alive-server', 'server'],
])('%s: packets of the %s set the timer again and again while nobody speaks', (name, end) => {
  const steps = run(name).events.filter(({ kind }) => kind === 'step');
  const [from, until] = ['idle 3.5 s begins', 'idle 3.5 s ends'].map(
    (text) => steps.find((step) => step.text === text)?.at ?? Number.NaN,
  );
  const quiet = run(name)
    .timeline?.find(({ role }) => role === 'control')
    ?.moments.filter(({ atSeconds }) => atSeconds > (from ?? 0) + 0.5 && atSeconds < (until ?? 0));
  expect(quiet?.filter(({ by }) => by === end).length).toBeGreaterThanOrEqual(2);
  // What was left of the two seconds: never more than one had gone, and a moment.
  for (const { leftSeconds } of quiet ?? []) expect(leftSeconds).toBeGreaterThan(0.3);
});

test('a command that nobody answers costs the session, and the next transfer logs in anew', () => {
  expect(said('keep-alive-off', 'command').filter((line) => line.startsWith('USER'))).toHaveLength(2);
  const steps = run('keep-alive-off').events.filter((event) => event.kind === 'step');
  expect(steps.find(({ text }) => text.startsWith('NOOP ends'))?.error).toMatch(/Timeout/);
});

test('a change of timeouts is an event, with what it was changed to', () => {
  const changes = run('changed-meanwhile').events.filter((event) => event.kind === 'timeouts');
  expect(changes).toMatchObject([{ timeouts: { established: 60 }, vantage: 'lab' }]);
  expect(changes[0]?.text).toBe("the firewall's timeouts are now established 60 s");
  const begin = run('changed-meanwhile').events.find(({ text }) => text === 'download begins')?.at ?? 0;
  expect(changes[0]?.at).toBeGreaterThan(begin + 0.9);
});

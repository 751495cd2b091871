import { createServer, type Server } from 'node:http';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabFailure } from '../../src/engine/host';
import { Sandbox } from '../../src/engine/netns/sandbox';
import { Stalled, Watchdog } from '../../src/engine/watchdog';
import type { Experiment } from '../../src/experiment';
import { makePlan } from '../../src/plan/make-plan';
import { loadScenario } from '../../src/scenario/load';
import { longestStepSeconds } from '../../src/session/run-session';
import type { RunResult } from '../../src/verdict/run-result';
import {
  descendants,
  eventually,
  finished,
  type Finished,
  lab,
  ROOT,
  runs,
  scenarioWith,
  scratch,
  startLab,
} from '../support';

// A run that hangs is ended by the lab, and only such a one: silence is limited, not duration.

/** A passive download that is under way for a while, of programs that are not patient. */
function slowScenario(folder: string, lasting: string): string {
  const changes = [
    ['patience: 3 s', 'patience: 1 s'],
    ['size: 64 KiB', `size: 200 KiB, lasting: ${lasting}`],
  ] as const;
  return scenarioWith(changes, folder);
}

describe('the watchdog', () => {
  /** A watchdog that bears two seconds of silence, and its ticks. */
  function watched(): { dog: Watchdog; pass: (milliseconds: number) => void; ticking: () => boolean } {
    let tick: (() => void) | null = null;
    let every = Number.NaN;
    const dog = new Watchdog(2, (call, milliseconds) => {
      tick = call;
      every = milliseconds;
      return () => {
        tick = null;
      };
    });
    const pass = (milliseconds: number): void => {
      for (let passed = 0; passed < milliseconds; passed += every) tick?.();
    };
    return { dog, pass, ticking: () => tick !== null };
  }
  const never = (): Promise<never> => new Promise(() => undefined);

  test('ends what is silent for too long, and says after how long and at what', async () => {
    const { dog, pass, ticking } = watched();
    const run = dog.guard(never);
    pass(1500);
    dog.progress('logging in');
    pass(2000);
    await expect(run).rejects.toThrow(
      new Stalled('the lab\'s watchdog ended this run after 4 s: no progress for 2 s, last "logging in"'),
    );
    await expect(run).rejects.toBeInstanceOf(LabFailure);
    expect(ticking()).toBe(false);
  });

  test('bears any duration while there are signs of life', async () => {
    const { dog, pass } = watched();
    let finish: (value: string) => void = () => undefined;
    const run = dog.guard(() => new Promise<string>((resolve) => (finish = resolve)));
    for (let signs = 0; signs < 100; signs += 1) {
      pass(1750);
      dog.alive();
    }
    pass(1750);
    finish('done');
    await expect(run).resolves.toBe('done');
  });

  test('counts a sleep of the machine, which is one tick, as one tick', () => {
    const { pass, ticking } = watched();
    pass(1500);
    const night = 8 * 3_600_000;
    const clocks = [
      jest.spyOn(performance, 'now').mockReturnValue(performance.now() + night),
      jest.spyOn(Date, 'now').mockReturnValue(Date.now() + night),
    ];
    pass(250);
    for (const clock of clocks) clock.mockRestore();
    expect(ticking()).toBe(true);
    pass(250);
    expect(ticking()).toBe(false);
  });

  test('begins nothing more of a run that has stalled, and stops with the run', async () => {
    const { dog, pass } = watched();
    pass(2000);
    const further = jest.fn(never);
    await expect(dog.guard(further)).rejects.toBeInstanceOf(Stalled);
    expect(further).not.toHaveBeenCalled();
    const other = watched();
    other.dog.stop();
    expect(other.ticking()).toBe(false);
  });
});

test.each([
  ['a small file', 'size: 64 KiB', 'size: 1 KiB', 15 + 4 * 3],
  ['a file that takes its time', 'size: 64 KiB', 'size: 64 KiB, lasting: 20 m', 20 * 60 + 15 + 4 * 3 + 0.01],
  [
    'probes of every port',
    /- download:.*/,
    '- probe: { from: prober, to: firewall, source-ports: [20, 21], ports: all }',
    15 + (2 * 65_535) / 5000,
  ],
])('a plan with %s may be silent for as long as its step may take', (_what, from, to, seconds) => {
  const expectation = to.includes('probe') ? 'probe arrives nowhere' : 'download is complete';
  const file = scenarioWith([
    [from, to],
    ['download is complete', expectation],
  ]);
  const plan = makePlan(loadScenario(file), { capture: true, engine: 'netns', timeScale: 'real' });
  expect(longestStepSeconds(plan)).toBeCloseTo(seconds, 1);
});

test('a step that takes its time and says nothing is not ended', async () => {
  const file = slowScenario(scratch(), '6 s');
  const { code, runs: all } = await runs(['--stalled-after', '1 s', file]);
  expect(all[0]).toMatchObject({ outcome: 'pass', reason: null });
  expect(code).toBe(0);
});

test('what the host programs report reaches the lab as a sign of life, about once a second', async () => {
  const plan = makePlan(loadScenario(slowScenario(scratch(), '1500 ms')), { capture: true, engine: 'netns' });
  let signs = 0;
  const sandbox = new Sandbox<Experiment>(join(ROOT, 'dist', 'worker.js'), {
    onProgress: () => undefined,
    onAlive: () => (signs += 1),
  });
  try {
    const { observation, failure } = await sandbox.run(plan);
    expect(failure).toBeNull();
    // One when the programs are ready, one when the file has come: whole seconds apart.
    expect(signs).toBeGreaterThanOrEqual(2);
    expect(signs).toBeLessThan(observation.events.filter(({ kind }) => kind === 'ftp-line').length);
  } finally {
    await sandbox.stop();
  }
});

describe('of runs that hang', () => {
  interface Hung {
    readonly code: number | null;
    readonly runs: RunResult[];
    readonly stderr: string;
    /** files in the evidence folder of the first run */
    readonly evidence: string[];
    /** what ran when the first began to hang */
    readonly programs: readonly { pid: number; command: string }[];
  }
  let stopped: Hung;
  let mute: Hung;
  let engineless: Finished;

  /** Runs the lab; `hang` is called once the first download is under way. */
  async function hung(
    args: readonly string[],
    folder: string,
    prefix: readonly string[],
    hang: (programs: Hung['programs']) => void,
  ): Promise<Hung> {
    const child = startLab(['run', '--json', ...args], folder, prefix);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const ended = finished(child);
    await eventually(() => said.includes('case: passive download'), 'the download is under way');
    const programs = descendants(child.pid ?? 0);
    hang(programs);
    const { code, stdout, stderr } = await ended;
    const { runs: all } = JSON.parse(stdout) as { runs: RunResult[] };
    const evidence = readdirSync(join(folder, all[0]?.artifacts.directory ?? 'none'));
    return { code, runs: all, stderr, evidence, programs };
  }

  beforeAll(async () => {
    const first = scratch();
    slowScenario(first, '3 s');
    const second = scratch();
    slowScenario(second, '1 ms');
    // Sockets are asked for as evidence only; this ss never answers.
    writeFileSync(join(second, 'ss'), '#!/bin/sh\nexec sleep infinity\n');
    chmodSync(join(second, 'ss'), 0o755);
    const path = `PATH=${second}:${process.env['PATH'] ?? ''}`;
    const third = scratch();
    slowScenario(third, '1 ms');
    const socket = join(third, 'engine.sock');
    const engine = await engineThatGoesSilent(socket);
    // All at once: there is nothing to do but to wait.
    [stopped, mute, engineless] = await Promise.all([
      hung(['--stalled-after', '3 s', '--jobs', '1', './case.yaml', 'passive-nat'], first, [], (programs) => {
        const worker = programs.find(({ command }) => /^\S*node \S*worker\.js$/.test(command));
        if (!worker) throw new Error('the worker is not there to be stopped');
        process.kill(worker.pid, 'SIGSTOP');
      }),
      hung(['--stalled-after', '1 s', '--keep', './case.yaml'], second, ['env', path], () => undefined),
      lab(['run', '--json', '--engine', 'docker', '--stalled-after', '1 s', './case.yaml'], third, [
        'env',
        `DOCKER_HOST=unix://${socket}`,
      ]),
    ]);
    engine.closeAllConnections();
    engine.close();
  });

  test('one whose worker is stopped is the lab’s failure, and says so; the next one goes on', () => {
    expect(stopped.runs).toMatchObject([
      {
        outcome: 'infra-error',
        reason: expect.stringMatching(
          // 3 s, and what the step may take: 3 s for the file, three times 1 s of patience, 15 s of grace.
          /^the lab's watchdog ended this run after \d+ s: no progress for 25 s, last "passive download of 200 KiB over 3 s"$/,
        ) as string,
        ...{ expectations: [], claims: [], diagnosis: [], events: [] },
      },
      { scenario: 'passive-nat', outcome: 'pass' },
    ]);
    expect(stopped.code).toBe(3);
  });

  test('its reports are written, without what only its hosts could tell', () => {
    for (const file of ['result.json', 'report.html', 'report.txt', 'repeat.txt', 'plan.json'])
      expect(stopped.evidence).toContain(file);
    expect(stopped.evidence.filter((file) => /pcap|^ruleset|sockets|conntrack/.test(file))).toEqual([]);
    expect(stopped.runs[0]?.artifacts.captures).toEqual([]);
  });

  test('one whose evidence never comes keeps its verdict, and what is missing is said', () => {
    expect(mute.runs).toMatchObject([{ outcome: 'pass' }]);
    expect(mute.code).toBe(0);
    expect(mute.stderr).toMatch(
      /^case: not all of the evidence could be kept: the lab's watchdog ended this run after \d+ s: no progress for 20 s, last "keeping the evidence"$/m,
    );
    expect(mute.evidence).toEqual(expect.arrayContaining(['result.json', 'ruleset.nft', 'transcript.txt']));
  });

  test('one whose container engine no longer answers ends too', () => {
    const reason = /^the lab's watchdog ended this run after \d+ s: no progress for 20 s, last "/;
    expect(JSON.parse(engineless.stdout)).toMatchObject({
      runs: [
        {
          ...{ engine: 'docker', outcome: 'infra-error' },
          reason: expect.stringMatching(reason) as string,
        },
      ],
    });
    expect(engineless.code).toBe(3);
  });

  test('nothing is left', async () => {
    const programs = [...stopped.programs, ...mute.programs];
    expect(programs.length).toBeGreaterThan(10);
    const runsStill = ({ pid, command }: (typeof programs)[number]): boolean => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() === command;
      } catch {
        return false;
      }
    };
    await eventually(() => !programs.some(runsStill), 'all of its programs are gone');
  });
});

/** No real engine can be had to do this at will: it says who it is, and then answers nothing any more. */
async function engineThatGoesSilent(socket: string): Promise<Server> {
  const answers: Readonly<Record<string, object>> = {
    '/_ping': {},
    '/info': { OperatingSystem: 'none', OSType: 'linux', Architecture: 'x86_64', NCPU: 1, MemTotal: 1 },
    '/version': { Version: '24.0.0', ApiVersion: '1.43', Os: 'linux', KernelVersion: '6.0' },
  };
  const server = createServer(({ url = '' }, response) => {
    const answer = Object.entries(answers).find(([path]) => url.endsWith(path))?.[1];
    if (!answer) return;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return server;
}

test.each(['5', '0 s', '999 ms', '-3 s', 'long'])('--stalled-after %s is refused', async (text) => {
  const { code, stdout, stderr } = await lab(['passive-nat', `--stalled-after=${text}`]);
  expect(stderr).toContain(
    `'${text}' is invalid. allowed: a duration from 1 s, with its unit, e.g. "90 s" or "15m"`,
  );
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

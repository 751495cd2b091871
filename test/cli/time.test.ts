import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { lab, runs, scenarioWith, scratch } from '../support';

// Minutes of a scenario in seconds of a run, through the real CLI, and what every report says of that.

/** A transfer of a minute and a half beside a timeout of a minute. */
function outlives(directory = scratch(), lasting = '90s'): string {
  return scenarioWith(
    [
      ['policy: drop', 'policy: drop\n  timeouts: { established: 1m }'],
      ['patience: 3 s', 'patience: 30 s'],
      ['size: 64 KiB', `size: 64 KiB, lasting: ${lasting}`],
      ['- download is complete\n', '- download is complete\n  - download is diagnosed as control-expired\n'],
    ],
    directory,
  );
}

describe('a transfer of 90 s outlives a timeout of 60 s, at ×20', () => {
  const cwd = scratch();
  let run: RunResult;
  let code: number | null;
  const file = (name: string): string => readFileSync(join(cwd, name), 'utf8');

  beforeAll(async () => {
    const reports = ['--html', 'r.html', '--markdown', 'r.md', '--junit', 'r.xml'];
    const args = [outlives(cwd), '--time-scale', '20', ...reports];
    const done = await runs(args, cwd);
    code = done.code;
    const [first] = done.runs;
    if (!first) throw new Error('nothing ran');
    run = first;
    writeFileSync(join(cwd, 'r.json'), done.stdout);
  });

  test('the control connection expires by the clock of the scenario', () => {
    expect(code).toBe(0);
    expect(run).toMatchObject({ outcome: 'pass', timeScale: 20, control: { survived: false } });
    expect(run.times).toContainEqual({ what: 'the established timeout', seconds: 60, runSeconds: 3 });
    expect(run.control.expiredAtSeconds).toBeGreaterThan(60);
    expect(run.control.expiredAtSeconds).toBeLessThan(run.durationSeconds * 20);
  });

  test('the timeline tells the entry’s life in the scenario’s time, and the reports draw it', async () => {
    const control = run.timeline?.find(({ role }) => role === 'control');
    const data = run.timeline?.find(({ role }) => role === 'data');
    expect(control).toMatchObject({ to: '203.0.113.20:21', closed: false, transfer: null });
    expect(data).toMatchObject({ transfer: 'download', closed: true });
    const [made, last] = [control?.moments[0], control?.moments.at(-1)];
    expect(made).toMatchObject({ change: 'made', state: 'SYN_SENT', leftSeconds: null });
    expect(last).toMatchObject({
      change: 'refreshed',
      state: 'ESTABLISHED',
      by: 'client',
      timeoutSeconds: 60,
    });
    // The deadline is the last packet and the timeout. The kernel tells of it when the 226 comes, half a minute later,
    // or when its sweep comes by, which may be at any time in between.
    expect(control?.expiredAtSeconds).toBeCloseTo((last?.atSeconds ?? 0) + 60, 2);
    expect(run.control.expiredAtSeconds).toBe(control?.expiredAtSeconds);
    expect(control?.goneAtSeconds).toBeGreaterThanOrEqual(control?.expiredAtSeconds ?? Number.NaN);
    const { stdout } = await lab(['report', 'r.json'], cwd);
    for (const report of [stdout, file('r.html')]) {
      expect(report).toMatch(/Timers, in the scenario’s time/);
      expect(report).toMatch(
        /control 10\.0\.0\.10:\d+ {2} *█[█─]*✕·* +expired at \d+ s, 60 s after its last packet; told of at \d+ s/,
      );
      expect(report).toMatch(/download +█+/);
    }
    expect(stdout).not.toContain('\u001b');
  });

  test('every report says what was scaled', async () => {
    const { stdout } = await lab(['report', 'r.json'], cwd);
    const scaled =
      'the established timeout 60 s → 3 s, the download 90 s → 4.5 s, the patience 30 s → 1.5 s (×20)';
    expect(stdout).toContain(`  Time: ${scaled}\n`);
    expect(file('r.html')).toContain(scaled);
    expect(file('r.xml')).toContain(`name="time" value="${scaled}"`);
    expect(file('r.xml')).toContain('name="timeScale" value="20"');
    expect(file('r.md')).toMatch(/\| \d+\.\d\d s \(×20\) \|/);
  });
});

test.each<[string, readonly string[], RegExp]>([
  [
    'both ways at once',
    ['--time-scale', '5', '--real-time'],
    /--time-scale.*cannot be used with.*--real-time/,
  ],
  ['no number', ['--time-scale', 'fast'], /'fast' is invalid\. allowed: numbers from 1 to 10000/],
  ['zero', ['--time-scale', '0'], /'0' is invalid\. allowed: numbers from 1 to 10000/],
  ['less than none', ['--time-scale=-3'], /'-3' is invalid\. allowed: numbers from 1 to 10000/],
  [
    'a scale below the kernel’s resolution',
    ['--time-scale', '40'],
    /case\.yaml:8:28: the established timeout is 60 s, and at --time-scale 40 it would be 1\.5 s; it must be 2 s or more; the highest scale that works here is 30/,
  ],
])('%s is refused before anything starts', async (_what, args, message) => {
  const { code, stdout, stderr } = await lab(['run', outlives(), ...args]);
  expect(stderr).toMatch(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('a scale that is too high for one scenario starts none', async () => {
  const { code, stdout, stderr } = await lab([
    'run',
    'passive-nat',
    'control-expired',
    '--time-scale',
    '2',
    '--jobs',
    '1',
  ]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('the established timeout is 1 s');
  expect(stderr).not.toContain('logging in');
});

test('show tells the times of the run, and --real-time those of the scenario', async () => {
  const scaled = await lab(['show', outlives(scratch(), '30m'), '--time-scale', '30']);
  expect(scaled.stdout).toContain('the established timeout 60 s → 2 s, the download 1800 s → 60 s');
  const real = await lab(['show', outlives(scratch(), '30m'), '--real-time']);
  expect(real.stdout).toContain('64 KiB over 30 min');
  expect(real.stdout).not.toContain('→ 2 s');
});

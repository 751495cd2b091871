import type { ChildProcess } from 'node:child_process';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelDirectory } from '../../src/engine/timewarp/kernels';
import { Machine } from '../../src/engine/timewarp/machine';
import { makePlan } from '../../src/plan/make-plan';
import { loadScenario } from '../../src/scenario/load';
import {
  descendants,
  eventually,
  finished,
  LAB,
  lab,
  ordinaryUser,
  processes,
  ROOT,
  run,
  runs,
  scenarioWith,
  scratch,
  startLab,
} from '../support';
import { describeTimewarp, machineFiles } from './kernel';

const isRoot = process.getuid?.() === 0;
/** Whatever the file's tests start is in a mount namespace of its own, where `mounts` have been made. */
function withMounts(mounts: string, argv: readonly string[]) {
  const user = isRoot ? [] : ['--user', '--map-root-user'];
  return run(['unshare', ...user, '--mount', 'sh', '-c', `${mounts} && exec "$@"`, 'sh', ...argv]);
}
/** Goes on for as long as the machine exists: a listener that keeps its processor from sleeping. */
const BUSY = `require('child_process').spawn('sh', ['-c', 'while :; do :; done # spinning']);`;

describe('where no kernel has been built', () => {
  test('exit 4, and the command that builds it', async () => {
    process.env['LAB_CACHE'] = scratch();
    try {
      const { code, stdout, stderr } = await lab(['passive-nat', '--engine', 'timewarp']);
      expect(stderr).toContain('nothing could run here: the kernel for time travel has not been built');
      expect(stderr).toContain('npm run timewarp:build');
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    } finally {
      delete process.env['LAB_CACHE'];
    }
  });

  test('--kernel belongs to the engine timewarp', async () => {
    const { code, stdout, stderr } = await lab(['passive-nat', '--engine', 'netns', '--kernel', '6.1']);
    expect(stderr).toContain('--kernel 6.1 is for --engine timewarp');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('npm run timewarp:build', () => {
  const build = (...args: string[]) => run(['sh', join(ROOT, 'lab/timewarp/build.sh'), ...args]);

  test.each([
    [['--no-such'], '--no-such is no argument of timewarp:build'],
    [['--kernel'], '--kernel needs a value'],
    [['--kernel', '6.1; true'], '"6.1; true" is no kernel version'],
    [['--kernel', '../../6'], '"../../6" is no kernel version'],
  ])('%p is refused', async (args, message) => {
    const { code, stderr } = await build(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test('a folder that nothing can be written to: exit 3', async () => {
    const { code, stderr } = await build('--into', '/proc/kernels');
    expect(stderr).toContain('/proc/kernels cannot be made');
    expect(code).toBe(3);
  });
});

describeTimewarp('on timewarp', (kernel) => {
  test('a kernel that is built is not built again', async () => {
    const { code, stdout } = await run(['sh', join(ROOT, 'lab/timewarp/build.sh')]);
    expect(stdout).toContain('is built already');
    expect(code).toBe(0);
  });

  test('no room on the disk: said before anything is built, and nothing left', async () => {
    const folder = scratch();
    const build = ['sh', join(ROOT, 'lab/timewarp/build.sh'), '--into', folder];
    const { code, stderr } = await withMounts(`mount -t tmpfs -o size=4m x ${folder}`, build);
    expect(stderr).toMatch(
      /Building needs 2000 MB free in .*, which has \d; choose another place with --into/,
    );
    expect(code).toBe(3);
  });

  test('a kernel that is not built is not another one’s', async () => {
    const { code, stderr } = await lab(['passive-nat', '--engine', 'timewarp', '--kernel', '5.4']);
    expect(stderr).toContain('the kernel for time travel, Linux 5.4, has not been built; built are: 6.1');
    expect(stderr).toContain('npm run timewarp:build -- --kernel 5.4');
    expect(code).toBe(4);
  });

  test('a tiny /dev/shm is no hindrance', async () => {
    const { code, stderr } = await withMounts('mount -t tmpfs -o size=64k x /dev/shm', [
      ...[process.execPath, LAB, 'passive-nat', '-q', '--engine', 'timewarp'],
      ...['--results', scratch()],
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test('as an ordinary user', async () => {
    const user = ordinaryUser();
    const cache = scratch();
    cpSync(kernelDirectory(), join(cache, 'timewarp'), { recursive: true });
    await run(['chmod', '-R', 'a+rX', cache]);
    const { code, stdout, stderr } = await run(
      [
        ...[...user.prefix, 'env', `LAB_CACHE=${cache}`, process.execPath, user.labCopy, 'run', '--json'],
        ...['passive-nat', 'active-nat', 'active-nat-helper', '--engine', 'timewarp'],
      ],
      user.cwd,
    );
    if (stdout === '') throw new Error(stderr);
    const document = JSON.parse(stdout) as { runs: { outcome: string; reason: string | null }[] };
    expect(document.runs.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['pass', null],
      ['pass', null],
      ['pass', null],
    ]);
    expect(code).toBe(0);
    expect(readdirSync(user.cwd)).toEqual([]);
  });

  test.each(['kernel/linux', 'unshare'])('%s killed in mid-run: the lab failed', async (mark) => {
    const folder = scratch();
    // Much to move, so that there is a middle.
    scenarioWith([['size: 64 KiB', 'size: 1 GiB']], folder);
    const child = startLab(['run', '--json', './case.yaml', '--engine', 'timewarp'], folder);
    const ended = finished(child);
    await transferring(child);
    const victim = descendants(child.pid ?? 0).find(({ command }) => command.startsWith(mark));
    if (!victim) throw new Error(`${mark} is not there to be killed`);
    process.kill(victim.pid, 'SIGKILL');
    const { code, stdout } = await ended;
    const [result] = (JSON.parse(stdout) as { runs: { outcome: string; reason: string }[] }).runs;
    expect(result).toMatchObject({ outcome: 'infra-error' });
    expect(result?.reason).toMatch(/^the sandbox ended \((?:SIGKILL|exit code 137)\)/);
    expect(code).toBe(3);
    await eventually(() => machines().length === 0, 'its processes are gone');
  });

  test('SIGKILL of the lab takes the machine down', async () => {
    const folder = scratch();
    scenarioWith([['size: 64 KiB', 'size: 1 GiB']], folder);
    const child = startLab(['./case.yaml', '--engine', 'timewarp'], folder);
    const ended = finished(child);
    await transferring(child);
    child.kill('SIGKILL');
    await ended;
    await eventually(() => machines().length === 0, 'its processes are gone');
    expect(readdirSync(folder)).toEqual(['case.yaml']);
  });

  test('the watchdog ends a livelock, and names who it is', async () => {
    const folder = scratch();
    const worker = join(folder, 'worker.js');
    const real = join(ROOT, 'dist/worker.js');
    writeFileSync(
      worker,
      `${BUSY} process.argv[1] = ${JSON.stringify(real)}; require(${JSON.stringify(real)});`,
    );
    const file = scenarioWith([['size: 64 KiB', 'size: 64 KiB, lasting: 15 m']], folder);
    const plan = makePlan(loadScenario(file), { capture: true, engine: 'timewarp' });
    const machine = new Machine(
      kernel(),
      machineFiles(worker),
      () => undefined,
      () => 8,
    );
    try {
      await expect(machine.run(plan)).rejects.toThrow(
        /^the run did not end within 8 s of real time: “sh -c while :; do :; done # spinning” \(process \d+\) kept the processor busy \((?:[5-9]\d|100) % of it\), so the clock could not jump$/,
      );
    } finally {
      await machine.stop();
    }
  });

  test('a worker that ends takes its machine with it, and its last words are heard', async () => {
    const worker = join(scratch(), 'worker.js');
    writeFileSync(worker, `throw new Error('worker of no use')`);
    const file = scenarioWith([]);
    const plan = makePlan(loadScenario(file), { capture: true, engine: 'timewarp' });
    const machine = new Machine(kernel(), machineFiles(worker), () => undefined);
    const failure = await machine.run(plan).then(String, String);
    await machine.stop();
    expect(failure).toContain('worker of no use');
    expect(failure).toMatch(/Attempted to kill init! exitcode=0x00000100$/);
  });

  test('ten seconds of virtual time for each real one, at the very least', async () => {
    const file = scenarioWith([['size: 64 KiB', 'size: 64 KiB, lasting: 16 m']]);
    const { code, runs: results } = await runs([file, '--engine', 'timewarp']);
    expect(code).toBe(0);
    const [result] = results;
    expect(result).toMatchObject({ engine: 'timewarp', virtualTime: true, timeScale: 1, outcome: 'pass' });
    expect(result?.kernel).toBe(kernel().release);
    expect(result?.transfers[0]?.seconds).toBeGreaterThan(960);
    expect(result?.durationSeconds).toBeLessThan(96);
  });
});

/** Waits until a lab says that the transfer is under way. */
function transferring(child: ChildProcess): Promise<unknown> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  return eventually(() => said.includes('passive download'), 'the transfer is under way', 30);
}

/** Processes of machines, on this machine. */
function machines(): string[] {
  return processes().flatMap(({ command }) => (command.includes('kernel/linux') ? [command] : []));
}

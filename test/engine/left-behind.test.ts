import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxCommand } from '../../src/engine/netns/sandbox';
import {
  descendants,
  eventually,
  finished,
  machineRules,
  machineState,
  ordinaryUser,
  processes,
  run,
  scenarioWith,
  scratch,
  startLab,
} from '../support';

// However a run ends, nothing of it is left; while it runs, the machine's own network is as it was.

/** A passive download that is under way for a while. */
function slowScenario(folder: string, lasting = '2 s'): string {
  return scenarioWith([['size: 64 KiB', `size: 200 KiB, lasting: ${lasting}`]], folder);
}

let before: ReturnType<typeof machineState>;
let rulesBefore: string;
beforeAll(() => {
  before = machineState();
  rulesBefore = machineRules();
});
afterAll(() => {
  expect(machineRules()).toBe(rulesBefore);
});

async function nothingLeft(folder: string, files: readonly string[]): Promise<void> {
  const known = new Set(before['processes']);
  await eventually(
    () => processes().every(({ pid, command }) => known.has(`${pid} ${command}`)),
    'the lab’s processes are gone',
  );
  // The kernel takes namespaces down after their last process.
  await eventually(
    () => machineState()['namespaces']?.join() === before['namespaces']?.join(),
    'its namespaces are gone',
  );
  expect(machineState()).toEqual(before);
  expect(readdirSync(folder)).toEqual(files);
}

test('a sandbox leaves nothing in a /run that was empty', async () => {
  const script = 'mount --no-mtab -t tmpfs run /run && "$@"; echo "exit $?"; ls -A /run';
  const inOwnRun = ['unshare', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--mount'];
  const { stdout } = await run([...inOwnRun, 'sh', '-c', script, 'sh', ...sandboxCommand(['true'])]);
  expect(stdout).toBe('exit 0\n');
});

const asUser = ordinaryUser();

test.each([
  ['as the tests’ own user', 25, () => ({ folder: scratch(), prefix: [], program: undefined })],
  ['as an ordinary user', 15, () => ({ folder: asUser.cwd, prefix: asUser.prefix, program: asUser.labCopy })],
])(
  'SIGKILL at many random moments leaves nothing, %s',
  async (_who, kills, where) => {
    const { folder, prefix, program } = where();
    // Far longer than anything waits here: what is gone by then did not just come to its end.
    slowScenario(folder, '120 s');
    const untilTransfer = 900;
    for (let kill = 0; kill < kills; kill += 1) {
      // One moment in each of as many parts of the time from start to transfer.
      const moment = Math.round((untilTransfer * (kill + Math.random())) / kills);
      const child = startLab(['-q', './case.yaml'], folder, prefix, program);
      const ended = finished(child);
      await new Promise((resolve) => setTimeout(resolve, moment));
      child.kill('SIGKILL');
      expect((await ended).signal).toBe('SIGKILL');
      await nothingLeft(folder, ['case.yaml']).catch((error: unknown) => {
        throw new Error(`killed after ${moment} ms: ${String(error)}`);
      });
    }
  },
  180_000,
);

test.each(['unshare', 'worker.js'])(
  'SIGKILL of %s, in between, leaves nothing and is the lab’s failure',
  async (mark) => {
    const folder = scratch();
    slowScenario(folder);
    const child = startLab(['run', '--json', './case.yaml'], folder);
    const ended = finished(child);
    const victim = await eventually(
      () =>
        transferring(child.pid ?? 0) &&
        descendants(child.pid ?? 0).find(({ command }) => command.includes(mark)),
      `${mark} runs`,
    );
    process.kill(victim.pid, 'SIGKILL');
    const { code, stdout } = await ended;
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      runs: [{ outcome: 'infra-error', expectations: [], claims: [] }],
    });
    await nothingLeft(folder, ['case.yaml', 'lab-results']);
  },
);

test.each([
  ['SIGINT', 130, 'to the lab'],
  ['SIGTERM', 143, 'to the lab'],
  ['SIGINT', 130, 'to its process group, as Ctrl-C on a terminal'],
] as const)('%s, exit %d: takes the lab down, sent %s', async (signal, expected, whom) => {
  const folder = scratch();
  slowScenario(folder);
  const group = whom !== 'to the lab';
  const child = startLab(['./case.yaml'], folder, group ? ['setsid'] : []);
  const ended = finished(child);
  await eventually(() => transferring(child.pid ?? 0), 'the transfer is under way');
  process.kill(group ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
  const { code, stdout, stderr } = await ended;
  expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  expect(stderr).toContain(`${signal}: taking the lab down`);
  await nothingLeft(folder, ['case.yaml']);
});

test.each([
  ['tcpdump -i inside', 'tcpdump on the firewall’s inside'],
  ['tcpdump -i outside', 'tcpdump on the firewall’s outside'],
  ['conntrack -E', 'conntrack -E on the firewall'],
  ['server-ftp-srv.js', 'server-ftp-srv on the server host'],
  ['client-basic-ftp.js', 'client-basic-ftp on the client host'],
])('%s killed in mid-run: the lab failed, with evidence, and nothing left', async (mark, name) => {
  const folder = scratch();
  slowScenario(folder);
  const child = startLab(['run', '--json', './case.yaml'], folder);
  const ended = finished(child);
  await eventually(() => transferring(child.pid ?? 0), 'the transfer is under way');
  const victim = descendants(child.pid ?? 0).find(({ command }) => command.includes(mark));
  if (!victim) throw new Error(`${mark} is not there to be killed`);
  process.kill(victim.pid, 'SIGKILL');
  const { code, stdout } = await ended;
  const { runs } = JSON.parse(stdout) as { runs: Record<string, never>[] };
  expect(runs[0]).toMatchObject({ outcome: 'infra-error', expectations: [], claims: [], diagnosis: [] });
  expect(String(runs[0]?.['reason']).replace("'", '’')).toContain(`${name} ended in mid-run (SIGKILL)`);
  expect(code).toBe(3);
  const { directory } = runs[0]?.['artifacts'] as unknown as { directory: string };
  const evidence = readdirSync(join(folder, directory));
  for (const file of [
    'inside.pcap',
    'outside.pcap',
    'ruleset.nft',
    'transcript.txt',
    'result.json',
    'repeat.txt',
  ]) {
    expect(evidence).toContain(file);
  }
  expect(readFileSync(join(folder, directory, 'transcript.txt'), 'utf8')).toContain('> RETR file-1.bin');
  await nothingLeft(folder, ['case.yaml', 'lab-results']);
});

test('while a run is under way the machine’s own network is as before', async () => {
  const folder = scratch();
  slowScenario(folder);
  const child = startLab(['-q', './case.yaml'], folder);
  const ended = finished(child);
  await eventually(() => transferring(child.pid ?? 0), 'the transfer is under way');
  const during = machineState();
  for (const part of ['links', 'routes', 'settings', 'files', 'mounts'])
    expect(during[part]).toEqual(before[part]);
  expect(machineRules()).toBe(rulesBefore);
  expect((await ended).code).toBe(0);
  await nothingLeft(folder, ['case.yaml']);
});

/** Whether the session is on: all programs run, and time enough has passed for the log-in. */
function transferring(pid: number): boolean {
  const all = descendants(pid).map(({ command }) => command);
  const running = [
    'client-basic-ftp',
    'server-ftp-srv',
    'tcpdump -i inside',
    'tcpdump -i outside',
    'conntrack -E',
  ];
  if (
    !running.every((mark) =>
      all.some((command) => command.startsWith(mark) || command.includes(`/dist/${mark}`)),
    )
  ) {
    started.delete(pid);
    return false;
  }
  const since = started.get(pid) ?? Date.now();
  started.set(pid, since);
  return Date.now() - since > 500;
}
const started = new Map<number, number>();

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Box, type BoxedProgram } from '../box';
import { generator, SEED } from '../seed';
import { descendants, eventually, LAB, ordinaryUser, scenarioWith } from '../support';

// However a run ends, nothing of it is left; while it runs, the machine's own network is as it was.

/** A passive download that is under way for a while. */
function slowScenario(folder: string, lasting = '2 s'): string {
  return scenarioWith([['size: 64 KiB', `size: 200 KiB, lasting: ${lasting}`]], folder);
}

let box: Box;
let before: ReturnType<Box['state']>;
let asUser: ReturnType<typeof ordinaryUser>;
beforeAll(async () => {
  box = await Box.make();
  before = box.state();
  asUser = ordinaryUser(box.share);
});

async function nothingLeft(folder: string, files: readonly string[]): Promise<void> {
  await box.quiet();
  expect(box.state()).toEqual(before);
  expect(readdirSync(folder)).toEqual(files);
}

function start(folder: string, args: readonly string[], prefix: readonly string[] = []): BoxedProgram {
  return box.start([...prefix, process.execPath, LAB, ...args], folder);
}

test.each([
  ['as the tests’ own user', 25, () => ({ folder: box.scratch(), argv: [process.execPath, LAB] })],
  [
    'as an ordinary user',
    15,
    () => ({ folder: asUser.cwd, argv: [...asUser.prefix, process.execPath, asUser.labCopy] }),
  ],
])('SIGKILL at many random moments leaves nothing, %s', async (_who, kills, where) => {
  const { folder, argv } = where();
  // Far longer than anything waits here: what is gone by then did not just come to its end.
  slowScenario(folder, '1000 s');
  const begin = async () => {
    const { pid, ended } = box.start([...argv, '-q', './case.yaml'], folder);
    return { pid: await pid, ended };
  };
  const kill = async ({ pid, ended }: Awaited<ReturnType<typeof begin>>): Promise<void> => {
    process.kill(pid, 'SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    await nothingLeft(folder, ['case.yaml']);
  };
  // How long this machine takes to get there, today.
  const first = await begin();
  const began = performance.now();
  await eventually(() => transferring(first.pid), 'the transfer is under way');
  const untilTransfer = performance.now() - began;
  await kill(first);

  const random = generator(SEED);
  for (let turn = 0; turn < kills; turn += 1) {
    // One moment in each of as many parts of the time from start to a little after the transfer's begin.
    const moment = (1.2 * untilTransfer * (turn + random())) / kills;
    const one = await begin();
    await new Promise((resolve) => setTimeout(resolve, moment));
    await kill(one).catch((error: unknown) => {
      throw new Error(
        `killed ${Math.round(moment)} ms after its start, where ${Math.round(untilTransfer)} ms lead to the transfer ` +
          `(kill ${turn + 1} of FUZZ_SEED=${SEED}): ${String(error)}`,
      );
    });
  }
});

test.each(['unshare', 'worker.js'])(
  'SIGKILL of %s, in between, leaves nothing and is the lab’s failure',
  async (mark) => {
    const folder = box.scratch();
    slowScenario(folder, '1000 s');
    const { pid, ended } = start(folder, ['run', '--json', './case.yaml']);
    const victim = await inTransfer(await pid, mark);
    process.kill(victim, 'SIGKILL');
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
  const folder = box.scratch();
  slowScenario(folder, '1000 s');
  const group = whom !== 'to the lab';
  const program = start(folder, ['./case.yaml'], group ? ['setsid'] : []);
  const pid = await program.pid;
  await eventually(() => transferring(pid), 'the transfer is under way');
  process.kill(group ? -pid : pid, signal);
  const { code, stdout, stderr } = await program.ended;
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
  const folder = box.scratch();
  slowScenario(folder, '1000 s');
  const { pid, ended } = start(folder, ['run', '--json', './case.yaml']);
  process.kill(await inTransfer(await pid, mark), 'SIGKILL');
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
  const folder = box.scratch();
  slowScenario(folder);
  const { pid, ended } = start(folder, ['-q', './case.yaml']);
  const lab = await pid;
  await eventually(() => transferring(lab), 'the transfer is under way');
  expect(box.processes().length).toBeGreaterThan(5);
  expect({ ...box.state(), processes: [] }).toEqual(before);
  expect((await ended).code).toBe(0);
  await nothingLeft(folder, ['case.yaml']);
});

/** The process below the lab that a mark tells, once the transfer is under way. */
async function inTransfer(lab: number, mark: string): Promise<number> {
  await eventually(() => transferring(lab), 'the transfer is under way');
  const victim = descendants(lab).find(({ command }) => command.includes(mark));
  if (!victim) throw new Error(`${mark} is not there`);
  return victim.pid;
}

/** Whether data move: the client's host has a connection besides the one to the server's port 21. */
function transferring(lab: number): boolean {
  const client = descendants(lab).find(({ command }) => command.includes('/dist/client-basic-ftp'));
  if (!client) return false;
  let table;
  try {
    table = readFileSync(`/proc/${client.pid}/net/tcp`, 'utf8');
  } catch {
    // It has ended since.
    return false;
  }
  // proc(5): local address, remote address, state; 01 is TCP_ESTABLISHED. Port 21 is 0x0015.
  return /^ *\d+: \S+ [0-9A-F]{8}:(?!0015)\S+ 01 /m.test(table);
}

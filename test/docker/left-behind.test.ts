import Dockerode from 'dockerode';
import { spawnSync, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { generator, SEED } from '../seed';
import { eventually, finished, lab, PATH, runs, scenarioWith, scratch, startLab } from '../support';
import { describeDocker } from './engine';

// However a run on containers ends, nothing of it is left; while it runs, the machine's own network is
// as it was. All of it on a real engine.

const docker = new Dockerode();
const RUN_LABEL = 'ftp-firewall-lab.run';

async function ourContainers(): Promise<Dockerode.ContainerInfo[]> {
  return docker.listContainers({ all: true, filters: { label: [RUN_LABEL] } });
}

/**
 * What of the machine's network a run could have changed; its rules only root may see. Not all of its state is
 * compared, as it is of a box: the engine is the machine's, and cannot be had in one.
 */
function network(): Record<string, string | readonly string[]> {
  const settings = ['ipv4/ip_forward', 'ipv6/conf/all/disable_ipv6', 'netfilter/nf_conntrack_tcp_loose'];
  return {
    links: readdirSync('/sys/class/net'),
    routes: readFileSync('/proc/net/route', 'utf8'),
    settings: settings.map((name) => {
      try {
        return `${name}=${readFileSync(`/proc/sys/net/${name}`, 'utf8')}`;
      } catch {
        return `${name} absent`;
      }
    }),
    rules: spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8', env: { ...process.env, PATH } }).stdout,
  };
}

/** Starts a run that goes on until it is ended. */
function startSlow(folder: string, args: readonly string[] = []): ChildProcess {
  scenarioWith([['size: 64 KiB', 'size: 200 KiB, lasting: 1000 s']], folder);
  return startLab(['run', '--engine', 'docker', '--real-time', ...args, './case.yaml'], folder);
}

/** The run's containers once its session is on: all that it starts in them runs. */
async function inSession(): Promise<Dockerode.ContainerInfo[]> {
  return eventually(async () => {
    const containers = await ourContainers();
    const firewall = containers.find(({ Names }) => Names[0]?.endsWith('-firewall'));
    if (!firewall || containers.length !== 3) return undefined;
    const top = (await docker
      .getContainer(firewall.Id)
      .top()
      .catch(() => null)) as { Processes: string[][] } | null;
    const commands = (top?.Processes ?? []).map((row) => row.at(-1) ?? '');
    return ['tcpdump -i inside', 'tcpdump -i outside', 'conntrack -E'].every((mark) =>
      commands.some((command) => command.startsWith(mark)),
    )
      ? containers
      : undefined;
  }, 'the session is on');
}

async function nothingLeft(): Promise<void> {
  await eventually(async () => (await ourContainers()).length === 0, 'the containers are gone');
}

describeDocker('what a run on docker leaves behind', () => {
  test('nothing, after it passed; and volumes and networks are as before', async () => {
    const before = await Promise.all([docker.listVolumes(), docker.listNetworks()]);
    expect((await lab(['-q', '--engine', 'docker', 'passive-nat'])).code).toBe(0);
    expect(await ourContainers()).toEqual([]);
    const after = await Promise.all([docker.listVolumes(), docker.listNetworks()]);
    expect(after[0].Volumes).toEqual(before[0].Volumes);
    expect(after[1].map(({ Id }) => Id).sort()).toEqual(before[1].map(({ Id }) => Id).sort());
  });

  test('SIGKILL at many random moments leaves nothing', async () => {
    const folder = scratch();
    const kills = 12;
    // How long this machine takes to get to the session, today.
    const began = performance.now();
    const first = startSlow(folder, ['-q']);
    const firstEnded = finished(first);
    await inSession();
    const untilSession = performance.now() - began;
    first.kill('SIGKILL');
    await firstEnded;
    await nothingLeft();
    const random = generator(SEED);
    for (let kill = 0; kill < kills; kill += 1) {
      const moment = Math.round((untilSession * (kill + random())) / kills);
      const child = startSlow(folder, ['-q']);
      const ended = finished(child);
      await new Promise((resolve) => setTimeout(resolve, moment));
      child.kill('SIGKILL');
      expect((await ended).signal).toBe('SIGKILL');
      // A container that was just being made has nobody yet who could hang up on it; the next start sees to it.
      // The engine may still be making it when the lab is gone, so the next start may be one more.
      await eventually(
        async () => (await lab(['down', '--all'])).code === 0 && (await ourContainers()).length === 0,
        `nothing is left, killed after ${moment} ms (kill ${kill + 1} of FUZZ_SEED=${SEED})`,
      );
      expect(readdirSync(folder)).toEqual(['case.yaml']);
    }
  });

  test('SIGKILL in mid-session leaves nothing, with no help: the containers end when the lab hangs up', async () => {
    const child = startSlow(scratch(), ['-q']);
    const ended = finished(child);
    await inSession();
    child.kill('SIGKILL');
    await ended;
    await nothingLeft();
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in mid-session, exit %d: takes the containers down', async (signal, code) => {
    const folder = scratch();
    const child = startSlow(folder);
    const ended = finished(child);
    await inSession();
    child.kill(signal);
    const done = await ended;
    expect({ code: done.code, stdout: done.stdout }).toEqual({ code, stdout: '' });
    expect(done.stderr).toContain(`${signal}: taking the lab down`);
    expect(await ourContainers()).toEqual([]);
    expect(readdirSync(folder)).toEqual(['case.yaml']);
  });

  test('SIGINT while the containers start takes down those that did', async () => {
    const child = startSlow(scratch());
    const ended = finished(child);
    await eventually(async () => (await ourContainers()).length > 0, 'the first container is there');
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    await nothingLeft();
  });

  test.each(['client', 'firewall', 'server'])(
    'the %s container killed in mid-run: the lab failed, names it, and leaves nothing',
    async (role) => {
      const child = startSlow(scratch(), ['--json']);
      const ended = finished(child);
      const containers = await inSession();
      const victim = containers.find(({ Names }) => Names[0]?.endsWith(`-${role}`));
      await docker.getContainer(victim?.Id ?? '').kill();
      const { code, stdout } = await ended;
      const [run] = (JSON.parse(stdout) as { runs: Record<string, unknown>[] }).runs;
      expect(run).toMatchObject({
        outcome: 'infra-error',
        reason: `the container of the ${role} host was stopped from outside in mid-run (exit code 137)`,
        expectations: [],
        claims: [],
        diagnosis: [],
      });
      expect(code).toBe(3);
      await nothingLeft();
    },
  );

  test('a start that fails half-way takes down what had started', async () => {
    const name = `ftp-firewall-lab/server-ftp-srv`;
    const tag =
      (await lab(['images', '-q'])).stdout.split(/\s+/).find((word) => word.startsWith(`${name}:`)) ?? '';
    // An image whose first process cannot start, in the place of the server's.
    const broken = await docker.createContainer({ Image: tag, Entrypoint: ['none'] });
    const original = (await docker.getImage(tag).inspect()).Id;
    const [repo = '', version = ''] = tag.split(':');
    await broken.commit({ repo, tag: version, changes: 'USER nobody-there' });
    await broken.remove();
    try {
      const { code, stderr, stdout } = await lab(['run', '--json', '--engine', 'docker', 'passive-nat']);
      expect(stderr).not.toContain('at Object.');
      const [run] = (JSON.parse(stdout) as { runs: { outcome: string; reason: string }[] }).runs;
      expect(run?.outcome).toBe('infra-error');
      expect(run?.reason).toMatch(/can't start the server container: .*nobody-there/);
      expect(code).toBe(3);
      await nothingLeft();
    } finally {
      await docker.getImage(original).tag({ repo, tag: version });
    }
  });

  test('leftovers of a dead run go at the next start; a living run’s stay, whatever starts beside it', async () => {
    const folder = scratch();
    const living = startSlow(folder, ['-q']);
    const ended = finished(living);
    const mine = (await inSession()).map(({ Id }) => Id).sort();
    // As the engine would be left by a lab that was killed before it could hang up: a container made, not started.
    const [sample] = await ourContainers();
    const owner = sample?.Labels['ftp-firewall-lab.owner'] ?? '';
    const dead = await docker.createContainer({
      Image: sample?.Image ?? '',
      name: 'ftp-firewall-lab-dead-client',
      Labels: { [RUN_LABEL]: 'dead', 'ftp-firewall-lab.owner': owner.replace(/\/\d+\//, '/4194303/') },
    });
    const foreign = await docker.createContainer({
      Image: sample?.Image ?? '',
      name: 'ftp-firewall-lab-foreign-client',
      Labels: { [RUN_LABEL]: 'foreign', 'ftp-firewall-lab.owner': 'another-machine/1/1' },
    });
    try {
      expect((await lab(['-q', '--engine', 'docker', 'routed'])).code).toBe(0);
      const left = (await ourContainers()).map(({ Id }) => Id);
      expect(left).not.toContain(dead.id);
      expect(left.filter((id) => id !== foreign.id).sort()).toEqual(mine);
      const { stdout, code } = await lab(['down', '--all']);
      expect(code).toBe(0);
      expect(stdout).toContain('left alone: 3 of labs that run');
      expect(stdout).toContain('left alone: 1 of labs on other machines');
      const still = (await ourContainers()).filter(({ Id }) => mine.includes(Id));
      expect(still.map(({ State }) => State)).toEqual(['running', 'running', 'running']);
      expect(living.exitCode).toBeNull();
    } finally {
      living.kill('SIGINT');
      expect((await ended).code).toBe(130);
      await foreign.remove({ force: true });
    }
    await nothingLeft();
  });

  test('while runs are under way, side by side with the same addresses, the machine’s network is as before', async () => {
    const before = network();
    const folder = scratch();
    scenarioWith([['size: 64 KiB', 'size: 200 KiB, lasting: 3 s']], folder);
    const both = runs(['--engine', 'docker', '--jobs', '2', './case.yaml', './case.yaml'], folder);
    await eventually(async () => (await ourContainers()).length >= 6, 'both labs are up');
    expect(network()).toEqual(before);
    const { code, runs: done } = await both;
    expect(done.map(({ outcome }) => outcome)).toEqual(['pass', 'pass']);
    expect(code).toBe(0);
    await nothingLeft();
  });
});

import Dockerode from 'dockerode';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { join } from 'node:path';
import {
  finished,
  LAB,
  lab,
  ordinaryUser,
  ROOT,
  run,
  scenarioWith,
  scratch,
  type Finished,
} from '../support';
import { describeDocker, describeWhere } from './engine';

// What the lab says when the container engine fails it. Each fault is made real, on engines of the
// tests' own where it would disturb the machine's.

const SOCKET = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');
const isRoot = process.getuid?.() === 0;

function labOn(engine: string, args: readonly string[], script = LAB, cwd = scratch()): Promise<Finished> {
  const env = { ...process.env, DOCKER_HOST: engine };
  return finished(
    spawn(process.execPath, [script, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** A copy of the project whose Dockerfile was changed: its images are other ones, not built yet. */
function changedProject(change: (dockerfile: string) => string): string {
  const copy = scratch();
  for (const part of ['dist', 'scenarios', 'lab'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const file = join(copy, 'lab/images/Dockerfile');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  return join(copy, 'dist/lab.js');
}

describe('where no engine is to be had', () => {
  test('nothing at the place named: exit 4, and what to do', async () => {
    const { code, stdout, stderr } = await labOn('unix:///no/such.sock', [
      'passive-nat',
      '--engine',
      'docker',
    ]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain(
      'nothing could run here: no container engine found: nothing at unix:///no/such.sock',
    );
    expect(stderr).toContain('apt-get install docker.io');
  });

  test('a socket nobody answers at: exit 4, and what to do', async () => {
    const socket = join(scratch(), 'dead.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(existsSync(socket)).toBe(true);
    const { code, stderr } = await labOn(`unix://${socket}`, ['passive-nat', '--engine', 'docker']);
    expect(stderr).toContain('the container engine is not running');
    expect(stderr).toContain('systemctl start docker');
    expect(code).toBe(4);
  });

  test('an engine that does not answer in time: exit 4, no waiting for ever', async () => {
    const socket = join(scratch(), 'mute.sock');
    const mute = createSocket(() => undefined);
    await new Promise<void>((resolve) => mute.listen(socket, resolve));
    try {
      const { code, stderr } = await labOn(`unix://${socket}`, ['passive-nat', '--engine', 'docker']);
      expect(stderr).toMatch(/the container engine at unix:.*mute\.sock does not answer within 15 s/);
      expect(code).toBe(4);
    } finally {
      mute.close();
    }
  });

  test('auto goes to docker where netns does not work, and names both where neither does', async () => {
    const cover = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--mount', 'sh', '-c'];
    const without = 'mount --bind /dev/null /usr/sbin/nft && exec "$@"';
    const { code, stderr } = await run([
      ...cover,
      `DOCKER_HOST=unix:///no/such.sock; export DOCKER_HOST; ${without}`,
      'sh',
      process.execPath,
      LAB,
      'passive-nat',
    ]);
    expect(stderr).toContain('engine netns: not installed: nft');
    expect(stderr).toContain('engine docker: no container engine found');
    expect(code).toBe(4);
  });

  test('the doctor says which engine can be used, and is content with one', async () => {
    const { code, stdout } = await labOn('unix:///no/such.sock', ['doctor', '--json']);
    const { engines, capabilities } = JSON.parse(stdout) as { engines: unknown; capabilities: unknown };
    expect(engines).toMatchObject([
      { name: 'netns', usable: true },
      { name: 'docker', usable: false, why: 'missing: container engine' },
      { name: 'timewarp' },
    ]);
    expect(capabilities).toContainEqual(
      expect.objectContaining({ engine: 'docker', name: 'container engine', works: false }),
    );
    expect(code).toBe(0);
  });
});

describeDocker('faults of a real engine', () => {
  test('auto runs on docker where netns does not work, and the report says why', async () => {
    const cover = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--mount', 'sh', '-c'];
    const { code, stdout } = await run([
      ...cover,
      'mount --bind /dev/null /usr/sbin/nft && exec "$@"',
      'sh',
      process.execPath,
      LAB,
      '-q',
      'passive-nat',
    ]);
    expect(stdout).toContain('Engine: docker, because netns does not work here: not installed: nft');
    expect(stdout).toMatch(/PASS .*\(docker, Linux /);
    expect(code).toBe(0);
  });

  test('the doctor tries all a run on containers needs, and leaves none', async () => {
    const { code, stdout } = await lab(['doctor', '--json']);
    const { engines, capabilities } = JSON.parse(stdout) as {
      engines: { name: string; usable: boolean }[];
      capabilities: { engine: string; name: string; works: boolean; why: string }[];
    };
    expect(engines[1]).toMatchObject({ name: 'docker', usable: true });
    const docker = capabilities.filter(({ engine }) => engine === 'docker');
    expect(docker.map(({ name }) => name)).toEqual([
      'container engine',
      'rootless engine',
      'images',
      'wiring from a container',
      'nftables rules with counters, in a container',
      'iptables rules, in a container',
      'connection tracking in rules, in a container',
      'masquerading, in a container',
      'FTP helper, in a container',
      'connection table, in a container',
      'connection events, in a container',
      'packet capture, in a container',
      'Ryuk, the reaper of testcontainers',
    ]);
    expect(docker.find(({ name }) => name === 'container engine')?.why).toMatch(/Engine \d+\.\d+/);
    expect(code).toBe(0);
    const filters = { label: ['ftp-firewall-lab.run'] };
    expect(await new Dockerode().listContainers({ all: true, filters })).toEqual([]);
  });

  describeWhere(isRoot ? undefined : 'becoming another user takes root', 'as another user', () => {
    test('no permission on the socket: exit 4, and the group to join', async () => {
      const { prefix, labCopy, cwd } = ordinaryUser();
      const { code, stderr } = await run(
        [...prefix, process.execPath, labCopy, 'passive-nat', '--engine', 'docker'],
        cwd,
      );
      expect(stderr).toContain('no permission to use the container engine at unix://');
      expect(stderr).toContain('sudo usermod -aG docker "$USER"');
      expect(code).toBe(4);
    });
  });

  test('an engine too old: exit 4, with the version that is needed', async () => {
    // The real engine, seen through a proxy that makes it five years older.
    const socket = join(scratch(), 'old.sock');
    const proxy = createServer((question, answer) => {
      const { method, url, headers } = question;
      const onward = request({ socketPath: SOCKET, method, path: url, headers }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          answer.writeHead(reply.statusCode ?? 500, { 'content-type': 'application/json' });
          answer.end(
            url?.endsWith('/version') ? text.replace(/"ApiVersion":"[\d.]+"/g, '"ApiVersion":"1.40"') : text,
          );
        });
      });
      question.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(socket, resolve));
    try {
      const { code, stderr } = await labOn(`unix://${socket}`, ['passive-nat', '--engine', 'docker']);
      expect(stderr).toMatch(
        /\(API 1\.40\) is too old: the lab needs Docker Engine 20\.10 \(API 1\.41\) or newer/,
      );
      expect(stderr).toContain('update the engine');
      expect(code).toBe(4);
    } finally {
      proxy.close();
    }
  });

  test('an image that is missing and cannot be built: exit 4, with what the build said', async () => {
    const script = changedProject((text) =>
      text.replace('HEALTHCHECK', 'RUN echo the reason >&2; exit 9\nHEALTHCHECK'),
    );
    const { code, stdout, stderr } = await finished(
      spawn(process.execPath, [script, 'run', '--json', 'passive-nat', '--engine', 'docker'], {
        cwd: scratch(),
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    expect(stderr).toContain('nothing could run here: the firewall image cannot be built on ');
    expect(stderr).toContain('the reason');
    expect(stderr).toContain('returned a non-zero code: 9');
    expect(stderr).not.toContain('\u001b');
    expect(stderr).toContain('npm run images');
    expect(JSON.parse(stdout)).toMatchObject({ runs: [{ outcome: 'skipped', engine: 'docker' }] });
    expect(code).toBe(4);
  });

  test('a base image that is not to be had: exit 4, and how to make one', async () => {
    const script = changedProject((text) => `${text}\n# other images\n`);
    const { code, stderr } = await finished(
      spawn(process.execPath, [script, 'images', '--base', 'ftp-firewall-lab/no-such-base:1'], {
        cwd: scratch(),
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    expect(stderr).toContain('image cannot be built on ftp-firewall-lab/no-such-base:1:');
    expect(stderr).toContain('lab/base-image.sh');
    expect(code).toBe(4);
  });
});

/** A container engine of a test's own, with its own data, sockets and processes, no bridge and no firewall rules. */
class OwnEngine {
  readonly socket: string;
  readonly docker: Dockerode;
  private readonly ended: Promise<void>;
  private log = '';

  /** @param size of its disk; null: the machine's */
  constructor(size: string | null) {
    const folder = scratch();
    const data = join(folder, 'data');
    mkdirSync(data);
    this.socket = join(folder, 'docker.sock');
    this.docker = new Dockerode({ socketPath: this.socket });
    const paths = [
      '--data-root',
      data,
      '--exec-root',
      join(folder, 'exec'),
      '--pidfile',
      join(folder, 'pid'),
    ];
    const dockerd = [
      'dockerd',
      ...paths,
      '--host',
      `unix://${this.socket}`,
      '--bridge=none',
      '--iptables=false',
    ];
    // Its disk is a file system of its own, seen by it alone.
    const disk = size === null ? '' : `mount -t tmpfs -o size=${size} lab ${data} && `;
    this.process = spawn('unshare', ['--mount', 'sh', '-c', `${disk}exec "$@"`, 'sh', ...dockerd], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.log = (this.log + chunk.toString('utf8')).slice(-4000)));
    }
    this.ended = new Promise((resolve) =>
      this.process.once('close', () => {
        resolve();
      }),
    );
  }
  readonly process: ChildProcess;

  async ready(): Promise<void> {
    for (const deadline = Date.now() + 30_000; ;) {
      if (
        await this.docker.ping().then(
          () => true,
          () => false,
        )
      )
        return;
      if (Date.now() > deadline || this.process.exitCode !== null)
        throw new Error(`dockerd does not start: ${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Copies an image from the machine's engine. */
  async take(images: readonly string[]): Promise<void> {
    const [save, load] = [
      spawn('docker', ['save', ...images], { stdio: ['ignore', 'pipe', 'inherit'] }),
      spawn('docker', ['-H', `unix://${this.socket}`, 'load', '--quiet'], {
        stdio: ['pipe', 'ignore', 'inherit'],
      }),
    ];
    save.stdout.pipe(load.stdin);
    const code = await new Promise((resolve) => load.once('close', resolve));
    if (code !== 0) throw new Error(`docker load ended with ${String(code)}`);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) this.process.kill('SIGTERM');
    await this.ended;
  }
}

const canStart = isRoot && spawnSync('dockerd', ['--version']).status === 0;
const noOwnEngine = canStart ? undefined : 'starting an engine takes root and dockerd';

describeDocker('on this machine', () => {
  describeWhere(noOwnEngine, 'an engine of one’s own', () => {
    let engine: OwnEngine | undefined;
    afterEach(async () => {
      await engine?.stop();
      engine = undefined;
    });

    test('its disk fills while images are built: exit 4, and how to free some', async () => {
      engine = new OwnEngine('210m');
      await engine.ready();
      const base = 'ftp-firewall-lab/base:bookworm';
      const there = await new Dockerode()
        .getImage(base)
        .inspect()
        .then(
          () => base,
          () => 'debian:bookworm-slim',
        );
      await engine.take([there]);
      const { code, stderr } = await labOn(`unix://${engine.socket}`, ['images', '-q']);
      expect(stderr).toContain('image cannot be built: no space left on the engine’s disk'.replace('’', "'"));
      expect(stderr).toContain('docker system prune');
      expect(code).toBe(4);
    }, 120_000);

    test('it is stopped in mid-run: the lab failed, says so, and ends', async () => {
      engine = new OwnEngine(null);
      await engine.ready();
      const tags = (await lab(['images', '-q'])).stdout.split('\n').map((line) => line.split(' ')[0] ?? '');
      await engine.take(tags.filter((tag) => /\/(?:client|firewall|server-ftp-srv):/.test(tag)));
      const folder = scratch();
      scenarioWith([['size: 64 KiB', 'size: 200 KiB, lasting: 60 s']], folder);
      const running = labOn(
        `unix://${engine.socket}`,
        ['run', '--json', '--engine', 'docker', './case.yaml'],
        LAB,
        folder,
      );
      for (const deadline = Date.now() + 30_000; ;) {
        const up = (await engine.docker.listContainers()).length;
        if (up === 3) break;
        if (Date.now() > deadline) throw new Error('the session did not begin');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
      engine.process.kill('SIGTERM');
      const { code, stdout } = await running;
      const [result] = (JSON.parse(stdout) as { runs: { outcome: string; reason: string }[] }).runs;
      expect(result).toMatchObject({ outcome: 'infra-error', expectations: [], diagnosis: [] });
      expect(result?.reason).toMatch(/^the container engine stopped in mid-run \(.*start it again/);
      expect(code).toBe(3);
    }, 120_000);
  });
});

import Dockerode from 'dockerode';
import { eventually, lab } from '../support';
import { describeDocker } from './engine';

// The images as they are started by hand, each with its own health check, and real FTP to each server.

const docker = new Dockerode();
const made: Dockerode.Container[] = [];
afterEach(async () => {
  await Promise.all(made.splice(0).map((container) => container.remove({ force: true, v: true })));
});

async function start(options: Dockerode.ContainerCreateOptions): Promise<Dockerode.Container> {
  const container = await docker.createContainer(options);
  made.push(container);
  await container.start();
  return container;
}

async function healthy(container: Dockerode.Container): Promise<void> {
  await eventually(async () => {
    const { State } = await container.inspect();
    if (!State.Running) throw new Error(JSON.stringify(State));
    return State.Health?.Status === 'healthy';
  }, 'the server is healthy');
}

/** Runs curl beside a server, in its network namespace. */
async function curl(
  server: Dockerode.Container,
  args: readonly string[],
): Promise<{ code: number; size: number }> {
  const container = await start({
    Image: 'ftp-firewall-lab/client',
    Entrypoint: ['curl', '-sS', '-m', '10', '-o', '/dev/null', '-w', '%{size_download}', ...args],
    Tty: true,
    HostConfig: { NetworkMode: `container:${server.id}` },
  });
  const { StatusCode } = (await container.wait()) as { StatusCode: number };
  const log = await container.logs({ stdout: true });
  return { code: StatusCode, size: Number(String(log)) };
}

describeDocker('the images', () => {
  beforeAll(async () => {
    expect((await lab(['images', '-q'])).code).toBe(0);
  });

  test('a second call builds nothing', async () => {
    const { code, stdout, stderr } = await lab(['images']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('built');
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(7);
  });

  test.each(['ftp-srv', 'vsftpd', 'proftpd', 'pure-ftpd'])(
    '%s becomes healthy and serves, passive and active, session after session, and ends at once',
    async (program) => {
      const server = await start({
        Image: `ftp-firewall-lab/server-${program}`,
        Env: ['LAB_ADDRESS=127.0.0.1'],
        HostConfig: { NetworkMode: 'none' },
      });
      await healthy(server);
      const file = 'ftp://127.0.0.1/hello.bin';
      const whole = { code: 0, size: 65536 };
      expect(await curl(server, ['--disable-epsv', file])).toEqual(whole);
      expect(await curl(server, ['--disable-eprt', '-P', '127.0.0.1', file])).toEqual(whole);
      expect(await curl(server, ['ftp://127.0.0.1/big.bin'])).toEqual({ code: 0, size: 16 * 2 ** 20 });
      expect((await curl(server, ['ftp://127.0.0.1/no-such-file'])).code).toBe(78);
      await server.stop({ t: 10 });
      // Ended by itself when told to, not killed after ten seconds.
      const { State } = await server.inspect();
      expect(State.ExitCode).not.toBe(137);
    },
  );

  test('programs run as an ordinary user where they can', async () => {
    const users = await Promise.all(
      [
        'client',
        'server-ftp-srv',
        'server-proftpd',
        'server-pure-ftpd',
        'server-vsftpd',
        'firewall',
        'firewall-2.2',
      ].map(async (name) => [
        name,
        (await docker.getImage(`ftp-firewall-lab/${name}`).inspect()).Config.User,
      ]),
    );
    expect(Object.fromEntries(users)).toEqual({
      client: 'lab',
      'server-ftp-srv': 'lab',
      'server-proftpd': 'ftp',
      'server-pure-ftpd': 'ftp',
      'server-vsftpd': '',
      firewall: '',
      'firewall-2.2': '',
    });
  });
});

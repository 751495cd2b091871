import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAB, ROOT, run, scratch } from '../support';

// What the lab says on a machine that lacks something. Each lack is made real, in a mount or user
// namespace of the test's own; nothing of the machine changes.

// The container engine of this machine, if any, is of no interest here.
process.env['DOCKER_HOST'] = 'unix:///no/such.sock';

/** Runs the lab with files covered by others, in a mount namespace. */
function labWithout(covers: readonly (readonly [string, string])[], args: readonly string[]) {
  const mounts = covers.map(([from, over]) => `mount --bind ${from} ${over}`).join(' && ');
  // As the test's user, in a user namespace when that is not root.
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return run([
    'unshare',
    ...user,
    '--mount',
    'sh',
    '-c',
    `${mounts} && exec "$@"`,
    'sh',
    process.execPath,
    LAB,
    ...args,
  ]);
}

test.each([
  ['conntrack', '/usr/sbin/conntrack', 'conntrack'],
  ['nft', '/usr/sbin/nft', 'nftables'],
  ['tcpdump', '/usr/bin/tcpdump', 'tcpdump'],
  ['ethtool', '/usr/sbin/ethtool', 'ethtool'],
])('without %s: exit 4, and what to install', async (tool, path, debianPackage) => {
  const { code, stdout, stderr } = await labWithout(
    [['/dev/null', path]],
    ['passive-nat', '--engine', 'netns'],
  );
  expect(stderr).toContain(`nothing could run here: not installed: ${tool}`);
  expect(stderr).toContain(`sudo apt-get install -y ${debianPackage}`);
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
});

test.each([
  ['masq-passive', 'the Linux 2.2 firewall'],
  ['t1-exposure', 'probes'],
])('without what raw sockets are opened with, %s says so: exit 4 (%s)', async (scenario) => {
  const native = ['koffi-glibc.node', 'koffi-musl.node'].map((file) => join(ROOT, 'dist', file));
  const { code, stdout, stderr } = await labWithout(
    native.map((file) => ['/dev/null', file] as const),
    [scenario, '--engine', 'netns'],
  );
  // All at once: whatever it says instead tells why.
  expect({ code, stdout, stderr }).toEqual({
    code: 4,
    stdout: '',
    stderr: expect.stringMatching(
      /^nothing could run here: Can't load koffi.*\n.*npm run build copies it there/s,
    ) as string,
  });
});

test('with --json the document says it was skipped, and why', async () => {
  const { code, stdout } = await labWithout(
    [['/dev/null', '/usr/sbin/nft']],
    ['run', '--json', '--engine', 'netns', 'passive-nat'],
  );
  expect(JSON.parse(stdout)).toMatchObject({
    schemaVersion: 1,
    runs: [
      {
        scenario: 'passive-nat',
        outcome: 'skipped',
        reason: 'not installed: nft',
        expectations: [],
        events: [],
      },
    ],
  });
  expect(code).toBe(4);
});

test('the doctor names all that is missing at once', async () => {
  const covers = ['/usr/sbin/conntrack', '/usr/bin/tcpdump'].map((path): [string, string] => [
    '/dev/null',
    path,
  ]);
  const { code, stdout } = await labWithout(covers, ['doctor', '--json']);
  const { capabilities, engines } = JSON.parse(stdout) as {
    capabilities: { engine: string; name: string; works: boolean; remedy: string }[];
    engines: unknown[];
  };
  const missing = capabilities.filter(({ engine, works }) => engine === 'netns' && !works);
  expect(missing).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        name: 'tcpdump',
        remedy: expect.stringContaining('install -y tcpdump') as string,
      }),
    ]),
  );
  expect(missing.map(({ name }) => name)).toEqual([
    'conntrack',
    'tcpdump',
    'connection table',
    'connection events',
    'packet capture',
  ]);
  expect(engines).toEqual([
    expect.objectContaining({ name: 'netns', usable: false }),
    expect.objectContaining({ name: 'docker', usable: false }),
  ]);
  expect(code).toBe(4);
});

/** A user who is not root, in a namespace in which no further user namespace may be made. */
function labWithoutNamespaces(prepare: string, args: readonly string[]) {
  const inner = `${prepare} exec unshare --user --map-user=1000 --map-group=1000 "$@"`;
  return run([
    ...[
      'unshare',
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      `echo 1 > /proc/sys/user/max_user_namespaces; ${inner}`,
    ],
    ...['sh', process.execPath, LAB, ...args],
  ]);
}

test('without user namespaces: exit 4, and the way out', async () => {
  const { code, stdout, stderr } = await labWithoutNamespaces('', ['passive-nat', '--engine', 'netns']);
  expect(stderr).toContain('nothing could run here: user namespaces without root:');
  expect(stderr).toContain('run the lab as root');
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
});

test('no user namespaces allowed: the setting is named', async () => {
  // A namespace's own limit; the user in it, who keeps the power to set it, is not root.
  const { code, stdout } = await run([
    ...['unshare', '--user', '--map-user=1000', '--map-group=1000', '--keep-caps', 'sh', '-c'],
    ...['echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', 'sh', process.execPath, LAB, 'doctor'],
  ]);
  expect(stdout).toContain('sudo sysctl -w user.max_user_namespaces=15000');
  expect(code).toBe(4);
});

test.each([
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'sudo sysctl -w kernel.unprivileged_userns_clone=1'],
])('the setting that forbids them is named: %s', async (setting, value, remedy) => {
  // The setting's file is covered by one with the forbidding value; where this kernel has no such
  // setting, a copy of /proc/sys/kernel with it takes its place.
  const folder = scratch();
  writeFileSync(join(folder, 'value'), `${value}\n`);
  const directory = setting.slice(0, setting.lastIndexOf('/'));
  const cover =
    `if [ -e ${setting} ]; then mount --bind ${folder}/value ${setting}; ` +
    `else mount -t tmpfs none ${directory} && cp ${folder}/value ${setting}; fi;`;
  const { code, stdout } = await labWithoutNamespaces(cover, ['doctor']);
  expect(stdout).toContain(remedy);
  expect(stdout).toContain('Engine netns: not usable');
  expect(code).toBe(4);
});

test('a kernel without the FTP helper: the doctor names the module', async () => {
  // The kernel cannot be told to forget its helper; nft is covered by one that cannot make helpers.
  const folder = scratch();
  writeFileSync(
    join(folder, 'nft'),
    '#!/bin/sh\ncase "$*" in *helper*) echo "Error: Could not process rule: No such file or directory" >&2; exit 1;; esac\nexec /usr/sbin/nft.real "$@"\n',
    { mode: 0o755 },
  );
  const { code, stdout } = await labWithout([[join(folder, 'nft'), '/usr/sbin/nft']], ['doctor']);
  expect(stdout).toMatch(/✘ FTP helper +failed: Error: Could not process rule/);
  expect(stdout).toContain('sudo modprobe nf_nat_ftp');
  expect(code).toBe(4);
});

import Dockerode from 'dockerode';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, finished, lab, ROOT, type Finished } from '../support';
import { describeDocker, describeWhere } from './engine';

// docker-compose.yml with both kinds of Compose: what the README says to try, tried.

const KINDS = [
  ['Compose v2', ['docker', 'compose'], 'Docker Compose version '],
  ['Compose v1.29', ['docker-compose'], 'docker-compose version 1.29'],
] as const;

function hasCompose([program, ...args]: readonly string[], says: string): boolean {
  const { status, stdout } = spawnSync(program ?? '', [...args, 'version'], { encoding: 'utf8' });
  return status === 0 && stdout.includes(says);
}

describeDocker('docker-compose.yml', () => {
  test('its rules are those of the scenario active-nat-helper, loaded anew each time', async () => {
    const { stdout } = await lab(['show', '--json', 'active-nat-helper']);
    const plan = JSON.parse(stdout) as { firewall: { ruleset: { text: string } } };
    const file = readFileSync(join(ROOT, 'lab/compose/ruleset.nft'), 'utf8');
    expect(file).toBe(`flush ruleset\n${plan.firewall.ruleset.text}`);
  });

  for (const [name, command, says] of KINDS) {
    const there = hasCompose(command, says);
    describeWhere(there ? undefined : `no ${name}`, name, () => {
      test('brings up three wired hosts, side by side with others', async () => {
        const project = `lab-test-${process.pid}-${command.length}`;
        const compose = (...args: string[]): Promise<Finished> =>
          finished(
            spawn(command[0], [...command.slice(1), '-p', project, ...args], {
              cwd: ROOT,
              stdio: ['ignore', 'pipe', 'pipe'],
            }),
          );
        const inClient = async (script: string): Promise<string> => {
          const { stdout, stderr } = await compose('exec', '-T', 'client', 'sh', '-c', script);
          return stdout + stderr;
        };
        try {
          const up = await compose('up', '-d');
          expect({ code: up.code, said: up.code === 0 ? '' : up.stderr }).toEqual({ code: 0, said: '' });
          await eventually(
            async () => (await inClient('ip route')).includes('via 10.0.0.1'),
            'the client is wired',
          );
          const fetch = (how: string): string =>
            `curl -sS -m 10 --retry 20 --retry-delay 1 --retry-connrefused ${how} -o /dev/null -w '%{size_download}' ftp://203.0.113.20/hello.bin`;
          expect(await inClient(fetch('--disable-epsv'))).toBe('65536');
          // Until its input ends.
          const watching = 'conntrack -E & read -r _; kill $!';
          const watch = spawn(
            command[0],
            [...command.slice(1), '-p', project, 'exec', '-T', 'firewall', 'sh', '-c', watching],
            { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] },
          );
          const seen = finished(watch);
          // It watches once its socket of NETLINK_NETFILTER (12, linux/netlink.h) has joined groups.
          const sockets = `awk '$2 == 12 && $4 != "00000000"' /proc/net/netlink`;
          await eventually(
            async () => (await compose('exec', '-T', 'firewall', 'sh', '-c', sockets)).stdout !== '',
            'conntrack watches',
          );
          expect(await inClient(fetch('--disable-eprt -P -'))).toBe('65536');
          watch.stdin.end();
          const { stdout: events } = await seen;
          // The control connection with its helper, and the data connection that the server dialled from port 20.
          expect(events).toMatch(
            /\[NEW\] tcp .*src=10\.0\.0\.10 dst=203\.0\.113\.20 .*dport=21 .*helper=ftp/,
          );
          expect(events).toMatch(
            /\[NEW\] tcp .*src=203\.0\.113\.20 dst=203\.0\.113\.1 sport=20 .*src=10\.0\.0\.10/,
          );
          // Nothing is published, and no way leads out.
          expect(await inClient('ip route get 192.0.2.1; true')).toMatch(/unreachable/i);
          const rules = await compose('exec', '-T', 'firewall', 'nft', '-f', '/etc/lab/ruleset.nft');
          expect(rules.code).toBe(0);
          expect((await compose('run', '--rm', 'wiring')).stdout).toContain('wired: client');
        } finally {
          await compose('down', '-v', '-t', '1');
        }
        const docker = new Dockerode();
        const filters = { label: [`com.docker.compose.project=${project}`] };
        expect(await docker.listContainers({ all: true, filters })).toEqual([]);
        expect((await docker.listVolumes({ filters })).Volumes).toEqual([]);
      });
    });
  }
});

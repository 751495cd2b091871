import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Box } from './box';
import { finished, ROOT, run, scratch } from './support';

// What the other tests rely on: each of these was seen to fail them when it did not work.

describe('the watchdog over programs', () => {
  const shell = (script: string) =>
    spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'], cwd: scratch() });

  test('ends one that falls silent, and says who did, after how long, where it was and what it said last', async () => {
    const script =
      'for n in $(seq 30); do echo "line $n"; done; echo "t2-passive: logging in" >&2; sleep 1000 & wait';
    const failure: unknown = await finished(shell(script), 3).catch((error: unknown) => error);
    const [first = '', ...rest] = String(failure).split('\n');
    expect(first).toMatch(
      /^Error: the suite’s watchdog ended “sh -c for n in .*” after \d+ s, the last 3 s of them without a word; it was at: t2-passive: logging in$/,
    );
    expect(rest.join('\n')).toBe(
      [
        ...['its standard error ends with:', '  t2-passive: logging in', 'its standard output ends with:'],
        ...Array.from({ length: 10 }, (_, index) => `  line ${index + 21}`),
      ].join('\n'),
    );
  });

  test('lets one that speaks now and then take as long as it likes', async () => {
    const { code, stdout } = await finished(shell('for n in 1 2 3 4 5 6; do echo $n; sleep 1; done'), 5);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1\n2\n3\n4\n5\n6\n' });
  });
});

describe('a box', () => {
  test('sees whatever is left in it, and nothing of the machine around it', async () => {
    const box = await Box.make();
    const before = box.state();
    const stranger = mkdtempSync(join(tmpdir(), 'lab-test-'));
    scratch();
    expect(box.state()).toEqual(before);

    const changes: Readonly<Record<string, string>> = {
      files: 'touch /tmp/left /run/left',
      mounts: 'mount -n -t tmpfs none /mnt',
      links: 'ip link add left type veth peer name right',
      routes: 'ip route add 192.0.2.0/24 dev lo',
      settings: 'echo 77 > /proc/sys/net/ipv4/ip_default_ttl',
      rules: 'nft add table ip left',
      processes: 'sleep 1000 < /dev/null > /dev/null 2>&1 &',
    };
    expect(Object.keys(changes).sort()).toEqual(Object.keys(before).sort());
    for (const [part, change] of Object.entries(changes)) {
      const made = await Box.make();
      const first = made.state();
      made.asRoot(change);
      expect({ part, same: isDeepStrictEqual(made.state()[part], first[part]) }).toEqual({
        part,
        same: false,
      });
    }
    expect(box.state()).toEqual(before);
    expect(JSON.stringify(before)).not.toContain(stranger);
  });

  test('is entered by the lab as this machine is: a scenario passes in it', async () => {
    const box = await Box.make();
    const { code, runs } = await box.runs(['passive-nat']);
    expect({ code, outcome: runs[0]?.outcome }).toEqual({ code: 0, outcome: 'pass' });
  });
});

describe('what is printed of a failure', () => {
  test('fits a screen: one cause once, and of a long difference its ends', async () => {
    const folder = scratch();
    const numbers = 'Array.from({ length: 4000 }, (_, n) => n)';
    writeFileSync(
      join(folder, 'bad.test.js'),
      `describe('of one cause', () => {
        beforeAll(() => { throw new Error('the one cause'); });
        test.each(Array.from({ length: 133 }, (_, n) => n))('number %d', () => undefined);
      });
      test('of a long difference', () => {
        expect(${numbers}).toEqual(${numbers}.map((n) => (n % 2 ? n : -n)));
      });`,
    );
    const config = { rootDir: folder, reporters: [join(ROOT, 'test/brief-reporter.cjs')] };
    const jest = [join(ROOT, 'node_modules/jest/bin/jest.js'), '--config', JSON.stringify(config), '--ci'];
    const { code, stderr, stdout } = await run([process.execPath, ...jest], folder);
    expect(code).toBe(1);
    const printed = stdout + stderr;
    expect(printed.match(/the one cause/g)).toHaveLength(1);
    expect(printed).toContain('● of one cause number 0');
    expect(printed).toContain('and so did 132 more of this file');
    expect(printed).toContain('● of a long difference');
    expect(printed).toMatch(/… \d{4} more lines …/);
    expect(printed.split('\n').length).toBeLessThan(75);
  });
});

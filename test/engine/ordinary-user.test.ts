import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { Box } from '../box';
import { ordinaryUser, scenarioWith } from '../support';

// No root, no sudo: the lab in a user namespace of its own. When the tests are root they become nobody.

// The container engine of this machine, if any, is of no interest here.
process.env['DOCKER_HOST'] = 'unix:///no/such.sock';

let box: Box;
let user: ReturnType<typeof ordinaryUser>;
beforeAll(async () => {
  box = await Box.make();
  user = ordinaryUser(box.share);
});
const asUser = (args: readonly string[]) =>
  box.run([...user.prefix, process.execPath, user.labCopy, ...args], user.cwd);

test('the four scenarios give the same verdicts without root', async () => {
  const before = box.state();
  const { code, stdout, stderr } = await asUser([
    'run',
    '--json',
    'passive-nat',
    'routed',
    'active-nat',
    'active-nat-helper',
  ]);
  if (stdout === '') throw new Error(stderr);
  const { runs } = JSON.parse(stdout) as { runs: RunResult[] };
  expect(runs.map(({ scenario, outcome, reason }) => [scenario, outcome, reason])).toEqual([
    ['passive-nat', 'pass', null],
    ['routed', 'pass', null],
    ['active-nat', 'pass', null],
    ['active-nat-helper', 'pass', null],
  ]);
  expect(runs[3]?.transfers.map(({ data }) => data?.sourcePort)).toEqual([20, 20]);
  expect(code).toBe(0);
  expect(readdirSync(user.cwd)).toEqual([]);
  await box.quiet();
  expect(box.state()).toEqual(before);
});

test('the evidence belongs to the user, captures included', async () => {
  const { code, stdout } = await asUser(['run', '--json', '--keep', 'passive-nat']);
  const { runs } = JSON.parse(stdout) as { runs: RunResult[] };
  expect(code).toBe(0);
  const directory = join(user.cwd, runs[0]?.artifacts.directory ?? 'none');
  expect(readdirSync(directory)).toContain('outside.pcap');
  expect(readFileSync(join(directory, 'conntrack.txt'), 'utf8')).toContain('dport=21');
});

test('the doctor finds every capability', async () => {
  const { code, stdout } = await asUser(['doctor', '--json']);
  const { capabilities, engines } = JSON.parse(stdout) as {
    capabilities: { engine: string; name: string; works: boolean; why: string; remedy: string }[];
    engines: { name: string; usable: boolean; why: string }[];
  };
  const netns = capabilities.filter(({ engine }) => engine === 'netns');
  expect(netns.filter(({ works }) => !works)).toEqual([]);
  expect(netns.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'user namespaces without root',
      'FTP helper',
      'masquerading',
      'packet capture',
      'tcpdump',
    ]),
  );
  expect(engines[0]).toEqual({ name: 'netns', usable: true, why: 'every capability works' });
  expect(code).toBe(0);
});

test('bad input is refused the same way', async () => {
  const file = scenarioWith([['policy: drop', 'policy: dorp']], user.cwd);
  const { code, stderr } = await asUser([file]);
  expect(stderr).toContain('firewall.policy is "dorp"');
  expect(code).toBe(2);
});

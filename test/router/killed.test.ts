import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { descendants, eventually, finished, lab, scenarioWith, scratch, startLab } from '../support';

// A router that goes is the lab's failure, never a verdict; and what it refuses is the author's.

const OLD: readonly (readonly [string | RegExp, string])[] = [
  ['kind: nftables', 'kind: ipchains'],
  ['policy: drop', 'policy: accept'],
  [/ {2}rules: [\s\S]*?(?=server:)/, ''],
];

test('killed in mid-run, it is named, and the evidence says that nothing answers', async () => {
  const folder = scratch();
  scenarioWith([...OLD, ['size: 64 KiB', 'size: 200 KiB, lasting: 60 s']], folder);
  const child = startLab(['run', '--json', './case.yaml'], folder);
  const ended = finished(child);
  const isRouter = ({ command }: { command: string }): boolean => command.endsWith('dist/router.js');
  const victim = await eventually(() => {
    const below = descendants(child.pid ?? 0);
    return below.some(({ command }) => command.includes('tcpdump -i outside')) && below.find(isRouter);
  }, 'the router runs');
  process.kill(victim.pid, 'SIGKILL');
  const { code, stdout } = await ended;
  expect(code).toBe(3);
  const [run] = (JSON.parse(stdout) as { runs: RunResult[] }).runs;
  expect(run).toMatchObject({ outcome: 'infra-error', expectations: [], claims: [] });
  expect(run?.reason).toContain('the Linux 2.2 router on the firewall host ended in mid-run (SIGKILL)');
  const kept = join(folder, run?.artifacts.directory ?? 'none', 'ruleset.ipchains');
  expect(readFileSync(kept, 'utf8')).toMatch(/^ipchains .*: the firewall does not answer/);
});

test('a rule that it refuses is shown where it stands, with its own words; exit 2', async () => {
  const folder = scratch();
  const rules = '  rules: |\n    ipchains -A forward -i outside -j MASQ\n    ipchains -D input 7\nserver:';
  scenarioWith([...OLD, ['server:', rules]], folder);
  const { code, stderr } = await lab(['./case.yaml'], folder);
  expect(code).toBe(2);
  expect(stderr).toMatch(/case\.yaml:10:5: .*No chain by that name; input has no rules, found 7/s);
});

import { XMLParser } from 'fast-xml-parser';
import { SyntaxValidator } from 'fast-xml-validator';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseScenarios } from '../../src/cli/choose-scenarios';
import { BASE_SCENARIO, lab, runs, scratch } from '../support';

// Many scenarios at once, as CI runs them.

/** JUnit XML as an object, checked to be well-formed. */
function junit(file: string) {
  const text = readFileSync(file, 'utf8');
  expect(SyntaxValidator.validate(text)).toBe(true);
  const always = (name: string): boolean => ['testsuite', 'testcase'].includes(name);
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', isArray: always });
  return (parser.parse(text) as { testsuites: Suites }).testsuites;
}

interface Suites {
  readonly tests: string;
  readonly failures: string;
  readonly errors: string;
  readonly skipped: string;
  readonly testsuite: readonly {
    readonly name: string;
    readonly testcase: readonly {
      readonly name: string;
      readonly failure?: { readonly message: string; readonly '#text': string };
      readonly error?: { readonly message: string };
      readonly skipped?: { readonly message: string };
    }[];
  }[];
}

test('--all prints a line for each, and a summary; reports at length only where one did not pass', async () => {
  const { scenarios } = JSON.parse((await lab(['list', '--json'])).stdout) as {
    scenarios: { name: string }[];
  };
  // Whether all of them hold the catalogue's record tells; here every fifteenth, with one that is blocked.
  const of = 15;
  const first = scenarios.findIndex(({ name }) => name === 'active-nat') % of;
  const mine = scenarios.filter((_, index) => index % of === first);
  const { code, stdout } = await lab(['run', '-q', '--all', '--shard', `${first + 1}/${of}`]);
  const rows = stdout.split('\n').filter((line) => line.startsWith('pass '));
  const names = mine.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(3);
  expect(rows.map((row) => row.split(/\s+/)[1])).toEqual(names);
  expect(rows.find((row) => row.includes('active-nat '))).toContain('blocked: inside-address-in-port');
  expect(stdout).toContain(`${names.length} passed, 0 failed, 0 not judged because the lab failed\n`);
  expect(stdout).not.toContain('Expected');
  expect(code).toBe(0);
});

test('JUnit has a suite for each scenario and a case for each expectation, with the cause', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'good.yaml'), BASE_SCENARIO);
  const blocked = BASE_SCENARIO.replace('mode: passive', 'mode: active').replace(
    '  - download is complete',
    "  - download is complete\n  - the server sees only the firewall's address",
  );
  writeFileSync(join(folder, 'bad.yaml'), blocked);
  const { code } = await lab(['run', '-q', './good.yaml', './bad.yaml', '--junit', 'out.xml'], folder);
  expect(code).toBe(1);
  const report = junit(join(folder, 'out.xml'));
  expect(report).toMatchObject({ tests: '3', failures: '1', errors: '0', skipped: '0' });
  const [good, bad] = report.testsuite;
  expect(good?.testcase).toEqual([{ name: 'download is complete', classname: 'ftp-firewall-lab.good' }]);
  expect(bad?.testcase.map(({ name, failure }) => [name, failure !== undefined])).toEqual([
    ['download is complete', true],
    ["the server sees only the firewall's address", false],
  ]);
  expect(bad?.testcase[0]?.failure?.['#text']).toMatch(/inside-address-in-port: .*\nRemedy: /s);
});

test('a run that was not judged is neither failure nor pass in JUnit: skipped, with the reason', async () => {
  const folder = scratch();
  // An engine that is not there: nothing can run.
  process.env['DOCKER_HOST'] = 'unix:///no/such.sock';
  const { code } = await lab(['run', '-q', 'routed', '--engine', 'docker', '--junit', 'out.xml'], folder);
  delete process.env['DOCKER_HOST'];
  const report = junit(join(folder, 'out.xml'));
  expect(report).toMatchObject({ tests: '1', failures: '0', errors: '0', skipped: '1' });
  expect(report.testsuite[0]?.testcase[0]?.skipped?.message).toContain('no container engine found');
  expect(code).toBe(4);
});

test('shards are disjoint and together all that a tag chooses', async () => {
  const names = [1, 2, 3].map((part) =>
    chooseScenarios([], { tag: 'fast', shard: { part, of: 3 } }).map(({ name }) => name),
  );
  const all = JSON.parse((await lab(['list', '--json'])).stdout) as {
    scenarios: { name: string; tags: string[] }[];
  };
  const fast = all.scenarios.filter(({ tags }) => tags.includes('fast')).map(({ name }) => name);
  expect(names.flat().sort()).toEqual(fast);
  expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(Math.ceil(fast.length / 3));
});

test('a shard of what was named runs its part, several at once, in the order named', async () => {
  const folder = scratch();
  const files = Array.from({ length: 5 }, (_, index) => `./case-${index}.yaml`);
  for (const file of files) writeFileSync(join(folder, file), BASE_SCENARIO);
  const { runs: all } = await runs([...files, '--shard', '2/2', '--jobs', '2'], folder);
  expect(all.map(({ scenario, outcome }) => [scenario, outcome])).toEqual([
    ['case-1', 'pass'],
    ['case-3', 'pass'],
  ]);
});

test('a shard with nothing to do says so, and is content', async () => {
  const { code, stdout } = await lab(['run', '-q', 'routed', '--shard', '2/2']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'no scenario falls to this shard\n' });
});

test.each([
  [['run', '--tag', 'none-such'], 'no scenario has the tag "none-such"; known: fast'],
  [['run', '--all', '--shard', '4/3'], "'4/3' is invalid. allowed: i/n"],
  [['run', '--all', '--shard', '0/3'], "'0/3' is invalid. allowed: i/n"],
  [['run', '--all', '--shard', 'x'], "'x' is invalid. allowed: i/n"],
  [
    ['run', 'routed', '--junit', 'no/folder/out.xml'],
    '--junit no/folder/out.xml: the folder no/folder does not exist',
  ],
])('%j is refused before anything starts', async (args, message) => {
  const { code, stdout, stderr } = await lab(args);
  expect(stderr).toContain(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

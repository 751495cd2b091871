import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forReport } from '../../src/report/for-report';
import { annotations } from '../../src/report/annotations';
import { expectationLines } from '../../src/scenario/expectation-lines';
import { recorded } from '../catalogue';
import { BASE_SCENARIO, lab, scratch } from '../support';

// What GitHub Actions is told, read back by the rules of its runner.

interface Command {
  readonly level: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** As the runner reads a line (actions/runner, ActionCommand.TryParseV2). */
function parse(line: string): Command {
  const [, level = '', rest = '', message = ''] = /^::(\w+) (.*?)::(.*)$/s.exec(line) ?? [];
  const plain = (text: string): string =>
    text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
  const properties = rest.split(',').map((pair) => {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    return [key, plain(value.replaceAll('%3A', ':').replaceAll('%2C', ','))];
  });
  return {
    level,
    properties: Object.fromEntries(properties) as Record<string, string>,
    message: plain(message),
  };
}

const TWO = BASE_SCENARIO.replace('mode: passive', 'mode: active').replace(
  '  - download is complete',
  "  - the server sees only the firewall's address\n  - download is complete\n  - download ends with reply 226",
);

/** What tells the lab that it runs in a job; where these tests do so themselves, it must not be told. */
const NAMES = ['GITHUB_ACTIONS', 'GITHUB_WORKSPACE', 'GITHUB_STEP_SUMMARY'];
function outside(): void {
  for (const name of NAMES) Reflect.deleteProperty(process.env, name);
}
beforeAll(outside);

/** Runs the CLI as a job of GitHub Actions would. */
async function inActions(args: readonly string[], folder: string) {
  Object.assign(process.env, {
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: folder,
    GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
  });
  try {
    return await lab(['run', '-q', ...args], folder);
  } finally {
    outside();
  }
}

function commands(output: string): Command[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('::'))
    .map(parse);
}

test('each broken expectation is an error at its line, with what was seen and what to do', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'two.yaml'), TWO);
  const { code, stdout, stderr } = await inActions(['./two.yaml'], folder);
  expect(code).toBe(1);
  expect(commands(stderr)).toEqual([]);
  const lines = TWO.split('\n');
  const line = (text: string): string => String(lines.findIndex((one) => one.includes(`- ${text}`)) + 1);
  expect(commands(stdout).map(({ level, properties }) => [level, properties])).toEqual([
    [
      'error',
      { file: 'two.yaml', line: line('download is complete'), title: 'two: not “download is complete”' },
    ],
    [
      'error',
      { file: 'two.yaml', line: line('download ends'), title: 'two: not “download ends with reply 226”' },
    ],
  ]);
  expect(commands(stdout)[0]?.message).toMatch(/^Seen: .*\nThe client's PORT named .*\nRemedy: Attach/);
});

test('with --json the document stays alone on stdout', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'two.yaml'), TWO);
  const { stdout, stderr } = await inActions(['./two.yaml', '--json'], folder);
  expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1 });
  expect(commands(stderr)).toHaveLength(2);
});

test('the summary of the job grows by a report for each command', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'two.yaml'), TWO);
  await inActions(['./two.yaml'], folder);
  const { stdout } = await inActions(['passive-nat'], folder);
  const summary = readFileSync(join(folder, 'summary.md'), 'utf8');
  expect(summary).toMatch(/0 passed, 1 failed[^]*1 passed, 0 failed/);
  expect(commands(stdout)).toEqual([]);
});

test('a summary that cannot be written is said, and changes no verdict', async () => {
  process.env['GITHUB_STEP_SUMMARY'] = '/proc/nowhere/summary.md';
  const { code, stderr } = await lab(['run', '-q', 'passive-nat']);
  delete process.env['GITHUB_STEP_SUMMARY'];
  expect(stderr).toContain("the job's summary (GITHUB_STEP_SUMMARY) can't be written");
  expect(code).toBe(0);
});

test('elsewhere nothing of the sort is printed', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'two.yaml'), TWO);
  const { stdout, stderr } = await lab(['run', '-q', './two.yaml'], folder);
  expect(stdout + stderr).not.toMatch(/^::/m);
});

test('what is skipped is a warning, what the lab failed in an error; neither a failure of FTP', async () => {
  process.env['DOCKER_HOST'] = 'unix:///no/such.sock';
  const { stdout } = await inActions(['routed', '--engine', 'docker'], scratch());
  delete process.env['DOCKER_HOST'];
  expect(commands(stdout).map(({ level, properties }) => [level, properties['title']])).toEqual([
    ['warning', 'routed: skipped'],
  ]);
});

test('no text ends a property, a line or the command', async () => {
  const all = await recorded(['active-nat']);
  const hostile = 'x,line=1::y%0A%25\r\n::error file=z::owned\u001b[2J\u202e';
  const [run] = all;
  if (!run) throw new Error('no run');
  const broken = {
    ...run,
    scenario: hostile,
    outcome: 'fail' as const,
    expectations: [{ text: hostile, held: false, why: hostile, events: [] }],
    diagnosis: run.diagnosis.map((cause) => ({ ...cause, text: hostile, remedy: hostile.repeat(10_000) })),
  };
  const shown = 'x,line=1::y%0A%25\\x0d\\x0a::error file=z::owned\\x1b[2J\\x202e';
  for (const outcome of ['fail', 'infra-error', 'skipped'] as const) {
    const told = annotations([forReport({ ...broken, outcome, reason: hostile })], () => ({
      file: hostile,
      line: 7,
    }));
    expect(told).toHaveLength(1);
    const [line = ''] = told;
    expect(line).not.toMatch(/[\r\n\u001b\u202e]/);
    expect(line.length).toBeLessThan(20_000);
    const { properties } = parse(line);
    expect(Object.keys(properties)).toEqual(['file', 'line', 'title']);
    expect(properties).toMatchObject({ file: shown, line: '7' });
    expect(properties['title']).toContain(shown);
  }
});

test('lines of expectations are those of the file', () => {
  const file = join(scratch(), 'lines.yaml');
  writeFileSync(file, 'title: x\nexpect:\n  # first\n  - one\n\n  - >\n    two\n  - three\n');
  expect(expectationLines(file, 3)).toEqual([4, 6, 8]);
});

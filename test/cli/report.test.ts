import { SyntaxValidator } from 'fast-xml-validator';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { BASE_SCENARIO, finished, lab, ROOT, run, runs, scratch, startLab } from '../support';

// Saved results, drawn again with no lab.

const folder = scratch();
const results = join(folder, 'results.json');
let all: RunResult[];
let evidence: string;

beforeAll(async () => {
  writeFileSync(join(folder, 'bad.yaml'), BASE_SCENARIO.replace('mode: passive', 'mode: active'));
  const made = await runs(['active-nat', './bad.yaml'], folder);
  all = made.runs;
  writeFileSync(results, made.stdout);
  evidence = join(folder, all[1]?.artifacts.directory ?? 'none');
});

/** `lab report`, run in a folder of its own. */
function report(args: readonly string[], cwd = scratch()) {
  return lab(['report', ...args], cwd);
}

describe('formats', () => {
  test('on the terminal as the run itself printed it', async () => {
    const { code, stdout, stderr } = await report([evidence]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(readFileSync(join(evidence, 'report.txt'), 'utf8'));
  });

  test('of several runs each, and how many passed', async () => {
    const { stdout } = await report([results]);
    expect(stdout).toContain('active-nat — Active FTP from behind NAT');
    expect(stdout).toMatch(/\n1 passed, 1 failed, 0 not judged because the lab failed\n$/);
  });

  test('JSON byte for byte', async () => {
    expect((await report([results, '--json'])).stdout).toBe(readFileSync(results, 'utf8'));
  });

  test('files are those of the evidence folder, and are named', async () => {
    const cwd = scratch();
    const flags = ['--html', 'r.html', '--svg', 'r.svg', '--markdown', 'r.md', '--junit', 'r.xml'];
    const { code, stdout, stderr } = await report([evidence, ...flags], cwd);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr.trim().split('\n').sort()).toEqual(
      ['r.html', 'r.md', 'r.svg', 'r.xml'].map((name) => `wrote ${name}`),
    );
    for (const [name, kept] of [
      ['r.html', 'report.html'],
      ['r.svg', 'ladder.svg'],
      ['r.md', 'report.md'],
    ] as const) {
      expect(readFileSync(join(cwd, name), 'utf8')).toBe(readFileSync(join(evidence, kept), 'utf8'));
    }
    expect(SyntaxValidator.validate(readFileSync(join(cwd, 'r.xml'), 'utf8'))).toBe(true);
  });

  test('--terminal beside files prints, too', async () => {
    const { stdout } = await report([evidence, '--markdown', 'r.md', '--terminal']);
    expect(stdout).toContain('FAIL  0 of 1 expectations held');
  });

  test('of several runs HTML is an index, and a page each in a folder beside it', async () => {
    const cwd = scratch();
    expect((await report([results, '--html', 'all.html'], cwd)).code).toBe(0);
    expect(readdirSync(cwd).sort()).toEqual(['all-runs', 'all.html']);
    expect(readdirSync(join(cwd, 'all-runs')).sort()).toEqual(['001-active-nat.html', '002-bad.html']);
    const index = readFileSync(join(cwd, 'all.html'), 'utf8');
    for (const page of ['all-runs/001-active-nat.html', 'all-runs/002-bad.html']) {
      expect(index).toContain(`href="./${page}"`);
      expect(existsSync(join(cwd, page))).toBe(true);
    }
  });

  test('runs may be chosen by name; a drawing is of one', async () => {
    const cwd = scratch();
    const refused = await report([results, '--svg', 'x.svg'], cwd);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('a drawing of one run, and here are 2; name one of them after the file');
    expect(refused.stderr).toContain('active-nat, bad');
    expect(readdirSync(cwd)).toEqual([]);
    expect((await report([results, 'bad', '--svg', 'x.svg'], cwd)).code).toBe(0);
    const { stdout } = await report([results, 'bad', '--json'], cwd);
    expect((JSON.parse(stdout) as { runs: RunResult[] }).runs.map(({ scenario }) => scenario)).toEqual([
      'bad',
    ]);
    const unknown = await report([results, 'none-such']);
    expect(unknown.stderr).toContain('no run of "none-such" in the document; there is active-nat, bad');
    expect(unknown.code).toBe(2);
  });

  test('a document may come from a pipe', async () => {
    const { code, stdout } = await run([
      'sh',
      '-c',
      `cat ${results} | node ${ROOT}/dist/lab.js report - bad`,
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('FAIL  0 of 1 expectations held');
  });

  test('no scenario’s name leads out of the folder of pages', async () => {
    const cwd = scratch();
    const name = '../../../tmp/evil"><script>.';
    const document = JSON.parse(readFileSync(results, 'utf8')) as { runs: RunResult[] };
    const renamed = { ...document, runs: document.runs.map((one) => ({ ...one, scenario: name })) };
    writeFileSync(join(cwd, 'in.json'), JSON.stringify(renamed));
    expect((await report(['in.json', '--html', 'out.html'], cwd)).code).toBe(0);
    expect(readdirSync(join(cwd, 'out-runs')).sort()).toEqual([
      '001--tmp-evil-script-.html',
      '002--tmp-evil-script-.html',
    ]);
    expect(readFileSync(join(cwd, 'out.html'), 'utf8')).not.toContain('<script>.');
  });
});

test('there is no lab in it: the CLI’s own bundle is enough, without system tools and Docker’s libraries', async () => {
  const alone = scratch();
  mkdirSync(join(alone, 'dist'));
  mkdirSync(join(alone, 'scenarios'));
  for (const file of ['lab.js', 'lab.code.js']) cpSync(join(ROOT, 'dist', file), join(alone, 'dist', file));
  const child = startLab(['report', results], alone, ['/usr/bin/env', 'PATH='], join(alone, 'dist/lab.js'));
  const { code, stdout, stderr } = await finished(child);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('1 passed, 1 failed');
});

describe('what is no document is refused with one clear error', () => {
  const changed = (
    change: (document: { schemaVersion: number; runs: Record<string, unknown>[] }) => void,
  ) => {
    const document = JSON.parse(readFileSync(results, 'utf8')) as {
      schemaVersion: number;
      runs: Record<string, unknown>[];
    };
    change(document);
    return JSON.stringify(document);
  };
  const event = (change: (one: Record<string, unknown>) => void) =>
    changed(({ runs: [first] }) => {
      const [one] = first?.['events'] as Record<string, unknown>[];
      if (one) change(one);
    });

  test.each<[string, () => string | Buffer, string]>([
    ['nothing', () => '', 'in.json: is empty; wanted: what `lab run --json` printed, or an evidence folder'],
    ['no JSON', () => 'title: a scenario\n', 'in.json: is not JSON ('],
    ['bytes', () => Buffer.from([0x1b, 0x5d, 0, 0xff, 0xfe]), 'in.json: is not JSON ('],
    [
      'half of one',
      () => readFileSync(results, 'utf8').slice(0, 5000),
      'in.json: is cut off: its JSON has no end',
    ],
    ['other JSON', () => '[1, 2]', 'in.json: is JSON, but holds no results of the lab; wanted: '],
    ['a number', () => '7', 'in.json: is JSON, but holds no results of the lab; wanted: '],
    [
      'a later version',
      () => changed((document) => (document.schemaVersion = 2)),
      'in.json: has schemaVersion 2; this lab reads 1: draw it with the lab that made it',
    ],
    [
      'a version that is hostile',
      () => changed((document) => Object.assign(document, { schemaVersion: '\u001b[2J'.repeat(100_000) })),
      'in.json: has schemaVersion "\\u001b[2J',
    ],
    [
      'no runs',
      () => '{"schemaVersion":1}',
      "in.json: is damaged, or was changed: the document must have required property 'runs'",
    ],
    [
      'a field that is gone',
      () => changed(({ runs: [first] }) => Reflect.deleteProperty(first ?? {}, 'events')),
      "runs[0] must have required property 'events'",
    ],
    [
      'an outcome of its own',
      () => changed(({ runs: [first] }) => Object.assign(first ?? {}, { outcome: 'splendid\u001b' })),
      'runs[0].outcome must be equal to one of the allowed values: pass,fail,infra-error,skipped; found "splendid\\u001b"',
    ],
    [
      'an event of another type',
      () => event((one) => (one['at'] = 'soon')),
      'runs[0].events[0] is nothing that this lab knows; found {"kind":"step","at":"soon"',
    ],
    [
      'an event of no known kind',
      () => event((one) => (one['kind'] = 'miracle')),
      'runs[0].events[0] is nothing that this lab knows; found {"kind":"miracle"',
    ],
    [
      'a number that is none',
      () => event((one) => (one['at'] = 1e308)).replace('1e+308', '1e999'),
      'runs[0].events[0] is nothing that this lab knows',
    ],
    ['very deep JSON', () => '['.repeat(5_000_000), 'in.json: is not JSON'],
  ])('%s', async (_what, make, message) => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'in.json'), make());
    const { code, stdout, stderr } = await report(['in.json', '--html', 'out.html'], cwd);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr.length).toBeLessThan(600);
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(readdirSync(cwd)).toEqual(['in.json']);
  });

  test('more than it reads', async () => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'in.json'), '');
    // Of a sparse file nothing need be there.
    truncateSync(join(cwd, 'in.json'), 300 * 2 ** 20);
    const { code, stderr } = await report(['in.json'], cwd);
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'in.json: is 300 MiB; allowed: up to 256 MiB\n' });
  });

  test('a file that is not there, and a folder that is none of the lab’s', async () => {
    const cwd = scratch();
    expect((await report(['none.json'], cwd)).stderr).toContain('none.json: no such file; wanted: ');
    const { code, stderr } = await report([dirname(results)], cwd);
    expect(code).toBe(2);
    expect(stderr).toContain('is a folder without a result.json; wanted: ');
  });

  test('fields that this lab does not know are left alone', async () => {
    const cwd = scratch();
    writeFileSync(
      join(cwd, 'in.json'),
      changed(({ runs: [first] }) => Object.assign(first ?? {}, { weather: 'fine' })),
    );
    expect((await report(['in.json'], cwd)).code).toBe(0);
  });
});

test.each([
  [['--html', 'no/where/r.html'], '--html no/where/r.html: the folder no/where does not exist'],
  [['--markdown', '.'], '--markdown .: is a folder; the name of a file is wanted'],
])('%j is refused before anything is read', async (flags, message) => {
  const { code, stdout, stderr } = await report(['none.json', ...flags]);
  expect(stderr).toContain(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('a file that the system refuses is named, and the others are written', async () => {
  const cwd = scratch();
  // Whoever writes to it is told that the disk is full (full(4)).
  const { code, stderr } = await report([evidence, '--junit', '/dev/full', '--markdown', 'r.md'], cwd);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^--junit \/dev\/full: can't be written: ENOSPC[^\n]*\n$/);
  expect(readdirSync(cwd)).toEqual(['r.md']);
});

test('a name that no file can have is refused, and nothing is written', async () => {
  const cwd = scratch();
  const name = `${'r'.repeat(300)}.xml`;
  const { code, stderr } = await report([evidence, '--junit', name, '--markdown', 'r.md'], cwd);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^--junit r{100}[^\n]*: can't be written: ENAMETOOLONG[^\n]*\n$/);
  expect(readdirSync(cwd)).toEqual([]);
});

test('`lab run` writes the same files', async () => {
  const cwd = scratch();
  const flags = ['--html', 'r.html', '--markdown', 'r.md', '--junit', 'r.xml'];
  const { code, stdout } = await lab(['run', '-q', 'passive-nat', ...flags], cwd);
  expect(code).toBe(0);
  expect(stdout).toContain('PASS');
  expect(readdirSync(cwd).sort()).toEqual(['r.html', 'r.md', 'r.xml']);
  expect(readFileSync(join(cwd, 'r.html'), 'utf8')).toContain('passive-nat');
  expect(readFileSync(join(cwd, 'r.md'), 'utf8')).toContain('1 passed, 0 failed');
});

test('the command that repeats a run is there, works from any folder, and captures no more than the run did', async () => {
  const cwd = scratch();
  writeFileSync(join(cwd, 'case with blank.yaml'), BASE_SCENARIO);
  const { runs: first } = await runs(['./case with blank.yaml', '--keep', '--no-capture'], cwd);
  const command = readFileSync(join(cwd, first[0]?.artifacts.directory ?? '', 'repeat.txt'), 'utf8').trim();
  expect(command).toBe(`npm run lab -- '${join(cwd, 'case with blank.yaml')}' --engine netns --no-capture`);
  const script = command.replace('npm run lab --', `${process.execPath} ${ROOT}/dist/lab.js --json`);
  const { code, stdout } = await run(['sh', '-c', script]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ runs: [{ outcome: 'pass', captures: [] }] });
});

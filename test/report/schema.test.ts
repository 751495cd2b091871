import Ajv from 'ajv';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BASE_SCENARIO,
  descendants,
  eventually,
  finished,
  lab,
  ROOT,
  run,
  runs,
  scenarioWith,
  scratch,
  startLab,
} from '../support';

// The published schema of results, and the documents the lab really prints.

const PUBLISHED = join(ROOT, 'lab/run-result.schema.json');
const published = readFileSync(PUBLISHED, 'utf8');
const schema = JSON.parse(published) as object;

/** Fields may be added within a version, so the schema is open; here none may be undeclared. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== 'object' || part === null) return part;
  const inner = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]));
  const isObject = inner['type'] === 'object' && 'properties' in inner && !('additionalProperties' in inner);
  return isObject ? { ...inner, additionalProperties: false } : inner;
}

const validators = {
  open: new Ajv({ allowUnionTypes: true }).compile(schema),
  closed: new Ajv({ allowUnionTypes: true }).compile(closed(schema) as object),
};

function expectValid(document: unknown): void {
  validators.closed(document);
  expect(validators.closed.errors ?? []).toEqual([]);
  expect(validators.open(document)).toBe(true);
}

/** Outcomes of a document's runs, once it is valid. */
function outcomes(stdout: string): string[] {
  const document = JSON.parse(stdout) as { runs: { outcome: string }[] };
  expectValid(document);
  return document.runs.map(({ outcome }) => outcome);
}

test('the published schema is what the types say', async () => {
  const { code, stdout, stderr } = await run([
    process.execPath,
    join(ROOT, 'lab/result-schema.mjs'),
    '--print',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(published);
});

test('`lab schema --results` prints it', async () => {
  expect((await lab(['schema', '--results'])).stdout).toBe(published);
});

test('runs that pass, fail and probe, with events of every kind there is, fit it', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'bad.yaml'), BASE_SCENARIO.replace('mode: passive', 'mode: active'));
  const names = ['passive-nat', './bad.yaml', 'active-nat-helper', 't1-syn-probes', 'dns-udp', 'hash-marks'];
  const { stdout, runs: all } = await runs([...names, '--keep'], folder);
  expect(outcomes(stdout)).toEqual(['pass', 'fail', 'pass', 'pass', 'pass', 'pass']);
  const kinds = new Set(all.flatMap(({ events }) => events.map(({ kind }) => kind)));
  expect([...kinds].sort()).toEqual(
    expect.arrayContaining([
      'conntrack',
      'control',
      'data',
      'file',
      'flow',
      'ftp-line',
      'name',
      'packet',
      'probe',
    ]),
  );
  // What an evidence folder holds is the same document, of one run.
  for (const { artifacts } of all) {
    const saved = JSON.parse(
      readFileSync(join(folder, artifacts.directory ?? 'none', 'result.json'), 'utf8'),
    ) as object;
    expectValid(saved);
  }
});

test('runs that could not be, and that the lab failed in, fit it', async () => {
  const folder = scratch();
  scenarioWith([['size: 64 KiB', 'size: 200 KiB, lasting: 5 s']], folder);
  const child = startLab(['run', '--json', './case.yaml'], folder);
  const ended = finished(child);
  const victim = await eventually(
    () => descendants(child.pid ?? 0).find(({ command }) => command.includes('conntrack -E')),
    'conntrack watches',
  );
  process.kill(victim.pid, 'SIGKILL');
  expect(outcomes((await ended).stdout)).toEqual(['infra-error']);

  process.env['DOCKER_HOST'] = 'unix:///no/such.sock';
  const skipped = await lab(['run', '--json', 'routed', 'active-nat', '--engine', 'docker']);
  delete process.env['DOCKER_HOST'];
  expect(outcomes(skipped.stdout)).toEqual(['skipped', 'skipped']);
});

test.each([
  ['another version', { schemaVersion: 2, runs: [] }],
  ['no runs', { schemaVersion: 1 }],
  ['a run that is none', { schemaVersion: 1, runs: [{ scenario: 'x' }] }],
])('%s does not fit it', (_what, document) => {
  expect(validators.open(document)).toBe(false);
});

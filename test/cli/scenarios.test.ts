import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findScenario, scenarioNames } from '../../src/scenario/catalogue';
import { CLAIMS } from '../../src/scenario/claims';
import type { RunResult } from '../../src/verdict/run-result';
import { catalogue } from '../catalogue';
import { ROOT, lab, runs } from '../support';

// Real packets, through the real CLI: what the README promises.

const DIRECTORY = join(ROOT, 'scenarios');
let all: readonly RunResult[];
let code: number | null;

beforeAll(async () => {
  ({ runs: all, code } = await catalogue());
});

function result(name: string): RunResult {
  const found = all.find(({ scenario }) => scenario === name);
  if (!found) throw new Error(`${name} was not run`);
  return found;
}

test('every scenario that comes with the lab holds', () => {
  const expected = scenarioNames(DIRECTORY).map((scenario) => ({ scenario, outcome: 'pass', reason: null }));
  expect(expected.length).toBeGreaterThan(60);
  expect(all.map(({ scenario, outcome, reason }) => ({ scenario, outcome, reason }))).toEqual(expected);
  expect(code).toBe(0);
});

test('every scenario is one claim on a page', () => {
  const lines = scenarioNames(DIRECTORY).map(
    (name) => readFileSync(findScenario(DIRECTORY, name), 'utf8').split('\n').length,
  );
  expect(Math.max(...lines)).toBeLessThan(70);
});

test('passive-nat: the client dials out, and the far side sees only the firewall', () => {
  const run = result('passive-nat');
  expect(run.transfers.map(({ complete, finalReply }) => ({ complete, finalReply }))).toEqual([
    { complete: true, finalReply: 226 },
    { complete: true, finalReply: 226 },
  ]);
  for (const { data } of run.transfers) {
    expect(data).toMatchObject({ dialledBy: 'client', reached: true });
    expect(data?.destinationPort).toBeGreaterThanOrEqual(50_000);
  }
  const outside = run.events
    .filter((event) => event.kind === 'packet' || event.kind === 'flow')
    .filter(({ leg }) => leg === 'outside');
  expect(outside.length).toBeGreaterThan(10);
  expect(
    outside.filter(({ source, destination }) => source.startsWith('10.') || destination.startsWith('10.')),
  ).toEqual([]);
});

test('routed: the same programs pass in both modes, and nothing is translated', () => {
  const run = result('routed');
  expect(run.transfers.map(({ mode, direction, complete }) => `${mode} ${direction} ${complete}`)).toEqual([
    'passive download true',
    'passive upload true',
    'active download true',
    'active upload true',
    'active list true',
  ]);
  const active = run.transfers.filter(({ mode }) => mode === 'active');
  for (const { data } of active)
    expect(data).toMatchObject({ dialledBy: 'server', sourcePort: 20, reached: true });
});

test('active-nat: the inside address leaves in PORT, and that is named as the cause', () => {
  const run = result('active-nat');
  const ports = run.events
    .filter((event) => event.kind === 'packet')
    .filter(({ payload }) => payload.startsWith('PORT '));
  expect(ports.map(({ leg }) => leg)).toEqual(['inside', 'outside']);
  for (const { payload } of ports) expect(payload).toMatch(/^PORT 10,0,0,10,/);
  expect(run.diagnosis).toHaveLength(1);
  const [cause] = run.diagnosis;
  expect(cause).toMatchObject({ code: 'inside-address-in-port', transfer: 'download' });
  expect(cause?.remedy).toContain('ip_nat_ftp');
  const seenFrom = cause?.events.map((id) => run.events.find((event) => event.id === id)?.vantage);
  expect(new Set(seenFrom)).toEqual(new Set(['client', 'firewall outside']));
  expect(run.transfers[0]).toMatchObject({ bytes: 0, complete: false, data: null });
});

test('active-nat-helper: PORT is rewritten, expected, and dialled from port 20', () => {
  const run = result('active-nat-helper');
  const port = (leg: string): string =>
    run.events
      .filter((event) => event.kind === 'packet')
      .find((event) => event.leg === leg && event.payload.startsWith('PORT '))?.payload ?? '';
  expect(port('inside')).toMatch(/^PORT 10,0,0,10,/);
  expect(port('outside')).toMatch(/^PORT 203,0,113,1,/);
  expect(
    run.events.filter((event) => event.kind === 'conntrack' && event.change === 'expect-new'),
  ).toHaveLength(2);
  for (const transfer of run.transfers) {
    expect(transfer).toMatchObject({
      complete: true,
      data: { dialledBy: 'server', sourcePort: 20, reached: true },
    });
  }
});

test('every claim has a verdict with reasons and events, and a text', () => {
  const claims = all.filter(({ outcome }) => outcome === 'pass').flatMap((run) => run.claims);
  expect(claims.length).toBeGreaterThan(5);
  for (const claim of claims) {
    expect(['upheld', 'refuted', 'partly']).toContain(claim.verdict);
    expect(claim.text).toBe(CLAIMS[claim.id]?.text);
    expect(claim.why).not.toBe('');
    expect(claim.checks.every(({ held, why }) => held !== null && why !== '')).toBe(true);
    expect(claim.events.length).toBeGreaterThan(0);
  }
});

test('files are checked at the far end, in both directions', () => {
  const files = result('passive-nat').events.filter((event) => event.kind === 'file');
  const at = (vantage: string, role: string) =>
    files.find((file) => file.vantage === vantage && file.role === role);
  expect(at('server', 'sent')?.sha256).toBe(at('client', 'received')?.sha256);
  expect(at('client', 'sent')?.sha256).toBe(at('server', 'received')?.sha256);
  expect(at('server', 'sent')?.sha256).not.toBe(at('client', 'sent')?.sha256);
  for (const file of files) expect(file).toMatchObject({ bytes: 1_048_576, whole: true });
});

test('events are on one clock, in order, with the dialogue seen at both ends', () => {
  for (const { events } of all) {
    const times = events.map(({ at }) => at);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => `e${index + 1}`));
  }
  const lines = result('passive-nat').events.filter((event) => event.kind === 'ftp-line');
  const said = (vantage: string) =>
    lines.filter((line) => line.vantage === vantage && line.direction === 'command').map(({ line }) => line);
  expect(said('client')).toEqual(said('server'));
  expect(said('client')).toEqual([
    'USER anonymous',
    'TYPE I',
    'PASV',
    'RETR file-1.bin',
    'PASV',
    'STOR file-2.bin',
    'QUIT',
  ]);
});

test('the captures are complete', () => {
  for (const { captures, scenario } of all) {
    expect({ scenario, lost: captures.map(({ lost }) => lost) }).toEqual({ scenario, lost: [0, 0] });
  }
});

test('ten at once, with the same addresses, each give the same verdict', async () => {
  const ten = await runs(['--jobs', '10', ...Array.from({ length: 10 }, () => 'passive-nat')]);
  expect(ten.code).toBe(0);
  expect(ten.runs.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'pass'));
});

test('the verb may be left out', async () => {
  const { code: exit, stdout } = await lab(['active-nat']);
  expect(exit).toBe(0);
  expect(stdout).toContain('PASS');
});

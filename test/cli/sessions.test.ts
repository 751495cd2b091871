import type { RunResult } from '../../src/verdict/run-result';
import { runs, scenarioWith } from '../support';

// Sessions of other shapes than the scenarios that come with the lab, each through the real CLI.

const ANY_RULES = /  rules: \|\n(?: {4}.*\n)+/;
const ANY_SESSION = /session:\n.*\nexpect:\n.*\n/;

async function result(
  changes: Parameters<typeof scenarioWith>[0],
): Promise<{ run: RunResult; code: number | null }> {
  const { runs: all, code } = await runs([scenarioWith(changes)]);
  const [run] = all;
  if (!run) throw new Error('no run');
  return { run, code };
}

function session(steps: readonly string[], expectations: readonly string[]): string {
  return `session:\n${steps.map((step) => `  - ${step}\n`).join('')}expect:\n${expectations.map((text) => `  - ${text}\n`).join('')}`;
}

test('transfers are paced by the sending program, in both directions', async () => {
  const { run, code } = await result([
    [
      ANY_SESSION,
      session(
        [
          'download: { mode: passive, size: 96 KiB, lasting: 1 s }',
          'upload: { mode: passive, size: 96 KiB, lasting: 1 s }',
        ],
        ['download is complete', 'upload is complete', 'upload ends with reply 226'],
      ),
    ],
  ]);
  expect(code).toBe(0);
  for (const { seconds } of run.transfers) expect(seconds).toBeGreaterThanOrEqual(1);
  // Not all at the end: the data connections carried packets from the first tenth to the last.
  const flows = run.events.filter((event) => event.kind === 'flow').filter(({ bytes }) => bytes > 90_000);
  expect(flows).toHaveLength(4);
  for (const flow of flows) expect(flow.until - flow.at).toBeGreaterThan(0.8);
});

test('EPSV and EPRT arrange data connections too (RFC 2428)', async () => {
  const { run, code } = await result([
    ['nat: masquerade', 'nat: none'],
    ['policy: drop', 'policy: accept'],
    [
      ANY_SESSION,
      session(
        [
          'download: { mode: passive, command: EPSV, size: 4 KiB }',
          'upload: { mode: active, command: EPRT, size: 4 KiB }',
          'list: { mode: passive }',
        ],
        [
          'download is complete',
          'upload is complete',
          'list is complete',
          'the PORT of the upload arrives outside unchanged',
        ],
      ),
    ],
  ]);
  expect(code).toBe(0);
  expect(run.transfers.map(({ command, data }) => [command, data?.dialledBy])).toEqual([
    ['EPSV', 'client'],
    ['EPRT', 'server'],
    ['PASV', 'client'],
  ]);
});

test('a server behind NAT: active works with 21 forwarded, passive dials a port nobody forwards', async () => {
  const { run, code } = await result([
    ['behind: client', 'behind: server'],
    // Without it the client refuses what 227 names, and dials nothing.
    ['client: basic-ftp', 'client: { program: basic-ftp, allow-separate-transfer-host: true }'],
    [
      ANY_RULES,
      '  forward: [21]\n  rules: |\n    ct state established,related accept\n    oifname "inside" tcp dport 21 accept\n    iifname "inside" accept\n',
    ],
    [
      ANY_SESSION,
      session(
        ['download: { mode: active, size: 64 KiB }', 'upload: { mode: passive, size: 64 KiB }'],
        ['download is complete', 'upload is blocked', "the server sees the client's own address"],
      ),
    ],
  ]);
  expect(run.expectations.filter(({ held }) => !held)).toEqual([]);
  expect(run.diagnosis).toMatchObject([{ code: 'not-forwarded', transfer: 'upload' }]);
  expect(code).toBe(0);
});

test('the same with the helper: the 227 is rewritten, and passive works', async () => {
  const { run, code } = await result([
    ['behind: client', 'behind: server'],
    [
      ANY_RULES,
      '  modules: [ip_conntrack_ftp, ip_nat_ftp]\n  forward: [21]\n  rules: |\n    ct state established,related accept\n    oifname "inside" tcp dport 21 accept\n    iifname "inside" accept\n',
    ],
  ]);
  const replies = run.events
    .filter((event) => event.kind === 'packet')
    .filter(({ payload }) => payload.startsWith('227 '));
  expect(replies.map(({ leg, payload }) => `${leg} ${/\((\d+,\d+)/.exec(payload)?.[1] ?? ''}`)).toEqual([
    'inside 10,0',
    'outside 203,0',
  ]);
  expect(code).toBe(0);
});

test('a filter that knows only port 21 stops data of both modes, each at the policy and at its own SYN', async () => {
  const { run, code } = await result([
    ['nat: masquerade', 'nat: none'],
    [ANY_RULES, '  rules: |\n    tcp dport 21 accept\n    tcp sport 21 accept\n'],
    ['patience: 3 s', 'patience: 1200 ms'],
    [
      ANY_SESSION,
      session(
        ['download: { mode: active, size: 64 KiB }', 'upload: { mode: passive, size: 64 KiB }'],
        ['download is blocked', 'upload is blocked'],
      ),
    ],
  ]);
  expect(code).toBe(0);
  expect(run.diagnosis.map(({ code: cause, transfer }) => `${transfer}: ${cause}`)).toEqual([
    'download: data-dropped',
    'upload: data-dropped',
  ]);
  expect(run.diagnosis[0]?.text).toMatch(
    /^The server dialled .* seen outside and never inside: stopped by the policy drop/,
  );
  expect(run.diagnosis[1]?.text).toMatch(
    /^The client dialled .* seen inside and never outside: stopped by the policy drop/,
  );
  expect(run.transfers.map(({ data }) => data?.reached)).toEqual([false, false]);
});

test('a control connection that is dropped is told from a data connection that is', async () => {
  const { run } = await result([
    [ANY_RULES, '  rules: |\n    tcp dport 21 drop\n    accept\n'],
    ['patience: 3 s', 'patience: 1200 ms'],
    ['download is complete', 'download is blocked'],
  ]);
  expect(run.diagnosis).toMatchObject([{ code: 'control-dropped' }]);
  expect(run.diagnosis[0]?.text).toContain('row 1, “tcp dport 21 drop”');
  expect(run.outcome).toBe('pass');
});

test('a helper on another port is named, and its ports= frees it', async () => {
  const changes = (modules: string): Parameters<typeof scenarioWith>[0] => [
    ['port: 21,', 'port: 2121,'],
    ['policy: drop', `policy: drop\n  modules: ${modules}`],
    ['mode: passive', 'mode: active'],
  ];
  const blocked = await result(changes('[ip_conntrack_ftp, ip_nat_ftp]'));
  expect(blocked.code).toBe(1);
  expect(blocked.run.diagnosis).toMatchObject([{ code: 'helper-on-another-port' }]);
  expect(blocked.run.diagnosis[0]?.text).toContain('The helper is attached to port 21 only');
  expect(blocked.run.diagnosis[0]?.remedy).toContain('ports=21,2121');
  const freed = await result(changes('["ip_conntrack_ftp ports=21,2121", ip_nat_ftp]'));
  expect(freed.code).toBe(0);
  // RFC 959: the data port is the one beside the control port.
  expect(freed.run.transfers[0]?.data).toMatchObject({ dialledBy: 'server', sourcePort: 2120 });
});

test('the firewall forgets an idle control connection: the file is whole, its reply is lost', async () => {
  const { run, code } = await result([
    ['policy: drop', 'policy: drop\n  timeouts: { established: 1s }'],
    ['patience: 3 s', 'patience: 1 s'],
    [
      ANY_SESSION,
      session(
        ['download: { mode: passive, size: 64 KiB, lasting: 3 s }'],
        ['download is complete', 'the control connection survives'],
      ),
    ],
  ]);
  expect(code).toBe(1);
  expect(run.reason).toBe('the control connection survives');
  expect(run.transfers[0]).toMatchObject({ complete: true, finalReply: null });
  expect(run.control.survived).toBe(false);
  expect(run.control.expiredAtSeconds).toBeGreaterThan(1);
  expect(run.diagnosis).toMatchObject([{ code: 'control-expired' }]);
  expect(run.diagnosis[0]?.text).toContain('The file is whole, but the server’s'.replace('’', "'"));
});

test('a client that gave its session up logs in again for the next transfer', async () => {
  const { run } = await result([
    [
      ANY_RULES,
      '  rules: |\n    tcp sport 20 drop\n    ct state established,related accept\n    iifname "inside" accept\n',
    ],
    ['nat: masquerade', 'nat: none'],
    ['patience: 3 s', 'patience: 1200 ms'],
    [
      ANY_SESSION,
      session(
        ['download: { mode: active, size: 64 KiB }', 'upload: { mode: passive, size: 64 KiB }'],
        ['download is blocked', 'upload is complete'],
      ),
    ],
  ]);
  expect(run.outcome).toBe('pass');
  expect(run.diagnosis[0]?.text).toContain('row 1, “tcp sport 20 drop”');
  const logins = run.events.filter(
    (event) => event.kind === 'ftp-line' && event.vantage === 'server' && event.line.startsWith('USER'),
  );
  expect(logins).toHaveLength(2);
});

test('a large session is captured in packet heads, without loss, and stays readable', async () => {
  const { run, code } = await result([['64 KiB', '64 MiB']]);
  expect(code).toBe(0);
  expect(run.captures.map(({ lost }) => lost)).toEqual([0, 0]);
  for (const { packets } of run.captures) expect(packets).toBeGreaterThan(46_000);
  expect(run.events.length).toBeLessThan(200);
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { lab, run, runs, scenarioWith, scratch } from '../support';

const ESCAPE = '\u001b';

test('--json prints one document of the contract on stdout and nothing else', async () => {
  const { stdout, runs: all, stderr } = await runs(['passive-nat']);
  expect(stdout.trimStart()[0]).toBe('{');
  expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1 });
  const [result] = all;
  for (const field of [
    'scenario',
    'engine',
    'kernel',
    'outcome',
    'reason',
    'timeScale',
    'virtualTime',
    'durationSeconds',
    'expectations',
    'claims',
    'transfers',
    'control',
    'rules',
    'diagnosis',
    'artifacts',
    'events',
  ]) {
    expect(result).toHaveProperty(field);
  }
  for (const field of [
    'name',
    'mode',
    'direction',
    'command',
    'bytes',
    'expectedBytes',
    'complete',
    'finalReply',
    'seconds',
    'error',
    'data.dialledBy',
    'data.sourcePort',
    'data.destinationPort',
    'data.reached',
  ]) {
    expect(result?.transfers[0]).toHaveProperty(field);
  }
  expect(result?.control).toEqual({ survived: true, expiredAtSeconds: null });
  expect(result?.artifacts).toEqual({ directory: null, captures: [] });
  expect(stderr).toContain('passive-nat: logging in');
});

describe('a failed expectation', () => {
  const folder = scratch();
  let result: RunResult | undefined;
  let code: number | null;

  beforeAll(async () => {
    const file = scenarioWith([['download is complete', 'download is blocked']]);
    ({
      runs: [result],
      code,
    } = await runs([file], folder));
  });

  test('exits with 1 and says which', () => {
    expect(code).toBe(1);
    expect(result).toMatchObject({ outcome: 'fail', reason: 'download is blocked' });
  });

  test('leaves an evidence folder with all that is needed to look further', () => {
    const directory = join(folder, result?.artifacts.directory ?? 'none');
    expect(readdirSync(directory).sort()).toEqual(
      [
        'capture.pcapng',
        'conntrack.txt',
        'expectations.txt',
        'inside.pcap',
        'ladder.svg',
        'outside.pcap',
        'plan.json',
        'repeat.txt',
        'report.html',
        'report.md',
        'report.txt',
        'result.json',
        'rules-as-loaded.nft',
        'ruleset.iptables',
        'ruleset.nft',
        'sockets-client.txt',
        'sockets-firewall.txt',
        'sockets-server.txt',
        'transcript.txt',
      ].sort(),
    );
    expect(readFileSync(join(directory, 'ruleset.nft'), 'utf8')).toMatch(
      /ct state new counter packets [1-9]\d* bytes \d+ accept\n\t\tcounter .* comment "policy"/,
    );
    expect(readFileSync(join(directory, 'conntrack.txt'), 'utf8')).toContain('dport=21');
    expect(readFileSync(join(directory, 'repeat.txt'), 'utf8')).toMatch(
      /^npm run lab -- \S+case\.yaml --engine netns\n$/,
    );
  });

  test('has captures that tcpdump reads, with the control connection in both', async () => {
    const directory = join(folder, result?.artifacts.directory ?? 'none');
    for (const capture of result?.artifacts.captures ?? []) {
      const { code: exit, stdout } = await run(['tcpdump', '-nr', join(directory, capture)]);
      expect(exit).toBe(0);
      expect(stdout).toContain('203.0.113.20.21');
      expect(stdout).not.toContain('incorrect');
    }
    expect(result?.artifacts.captures).toEqual(['inside.pcap', 'outside.pcap', 'capture.pcapng']);
  });
});

test('a passing run leaves nothing, with --keep the same folder', async () => {
  const folder = scratch();
  await lab(['passive-nat'], folder);
  expect(readdirSync(folder)).toEqual([]);
  const { code } = await lab(['passive-nat', '--keep', '--results', 'kept'], folder);
  expect(code).toBe(0);
  expect(readdirSync(join(folder, 'kept'))).toHaveLength(1);
});

test('an evidence folder that cannot be made is said, and changes no verdict', async () => {
  const { code, stdout, stderr } = await lab(['passive-nat', '--keep', '--results', '/proc/nowhere']);
  expect(stderr).toContain('the evidence could not be kept');
  expect(stdout).toContain('PASS');
  expect(code).toBe(0);
});

test('the report draws the topology, and says what was done, expected and claimed', async () => {
  const { stdout, stderr } = await lab(['active-nat']);
  for (const part of [
    '│ basic-ftp │',
    '│ ftp-srv',
    'masquerading, policy drop',
    '10.0.0.10',
    '203.0.113.20',
    'active download (PORT): 0 B of 1 MiB',
    'outside  PORT 10,0,0,10,',
    '✔ download is blocked',
    'C19 upheld',
    'Remedy: Attach the FTP helper',
    'PASS  3 of 3 expectations held',
  ]) {
    expect(stdout).toContain(part);
  }
  expect(stdout).not.toContain(ESCAPE);
  expect(stderr).not.toContain(ESCAPE);
  expect(stderr).toContain('active-nat: logging in\n');
});

test('what a user or a file wrote acts on no terminal, whether it is refused or listed', async () => {
  const title = `A ${ESCAPE}[31mtitle\u202e\u0000`;
  const file = scenarioWith([['title: A passive download', `title: ${JSON.stringify(title)}`]]);
  const shown = 'A \\x1b[31mtitle\\x202e';
  const told = [
    await lab(['show', file]),
    await lab(['run', '-q', file]),
    await lab(['run', title.replace('\u0000', '')]),
    await lab([`--${title.replace('\u0000', '')}`]),
  ];
  for (const { stdout, stderr } of told) {
    expect(stdout + stderr).toContain(shown);
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  expect(told.map(({ code }) => code)).toEqual([0, 0, 2, 2]);
});

describe('on a terminal', () => {
  // script(1) gives the lab a real terminal.
  const onTerminal = (args: string, environment: string) =>
    run([
      'script',
      '-qec',
      `env ${environment} ${process.execPath} ${join(__dirname, '../../dist/lab.js')} ${args}`,
      '/dev/null',
    ]);

  test('there is colour and a progress line', async () => {
    const { stdout } = await onTerminal('passive-nat', 'TERM=xterm');
    expect(stdout).toContain(`${ESCAPE}[32mPASS`);
    expect(stdout).toContain(`\r${ESCAPE}[K… passive-nat: logging in`);
  });

  test('NO_COLOR is honoured', async () => {
    const { stdout } = await onTerminal('passive-nat -q', 'TERM=xterm NO_COLOR=1');
    expect(stdout).toContain('PASS');
    expect(stdout).not.toContain(`${ESCAPE}[3`);
  });
});

test('without captures nothing is claimed that only packets could show', async () => {
  const {
    runs: [result],
    code,
  } = await runs(['active-nat', '--no-capture'], scratch());
  expect(code).toBe(1);
  expect(result?.captures).toEqual([]);
  const held = Object.fromEntries((result?.expectations ?? []).map(({ text, held: yes }) => [text, yes]));
  expect(held['the PORT of the download arrives outside unchanged']).toBe(false);
  expect(result?.claims[0]?.verdict).toBe('untested');
});

test('list, show, schema and completion say what there is', async () => {
  const list = JSON.parse((await lab(['list', '--json'])).stdout) as { scenarios: Record<string, unknown>[] };
  expect(list.scenarios.find(({ name }) => name === 'active-nat')).toEqual({
    name: 'active-nat',
    title: 'Active FTP from behind NAT, no helper',
    behind: 'client',
    kind: 'nftables',
    tags: ['fast'],
    claims: ['C19'],
  });
  expect((await lab(['show', 'active-nat-helper'])).stdout).toContain('ct helper set "ftp"');
  const published = readFileSync(join(__dirname, '../../scenarios/scenario.schema.json'), 'utf8');
  expect((await lab(['schema'])).stdout).toBe(published);
  const completion = (await lab(['completion'])).stdout;
  const { stdout } = await run([
    'bash',
    '-c',
    `${completion}\nCOMP_WORDS=(lab act) COMP_CWORD=1; _lab; echo "\${COMPREPLY[@]}"`,
  ]);
  expect(stdout.trim()).toBe('active-forwarded-range active-nat active-nat-helper active-unforwarded-range');
});

test('help teaches: verbs, examples, exit codes', async () => {
  const { code, stdout } = await lab(['--help']);
  expect(code).toBe(0);
  for (const part of ['doctor', 'npm run lab -- passive-nat', 'Exit codes: 0 every expectation held']) {
    expect(stdout).toContain(part);
  }
});

test('a reader that goes away does not make an error', async () => {
  const { stderr } = await run([
    'bash',
    '-c',
    `"${process.execPath}" "${join(__dirname, '../../dist/lab.js')}" run --json passive-nat -q | head -c 10`,
  ]);
  expect(stderr).toBe('');
});

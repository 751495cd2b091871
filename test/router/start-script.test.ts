import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { documentIn, lab, LAB, ordinaryUser, run, scratch, type Finished } from '../support';

// Whole start scripts as `rules:`, run by a real shell in a root of their own. What a script prints tells here what
// it found; what it did is told by packets.

const MASQUERADING = [
  'echo 1 > /proc/sys/net/ipv4/ip_forward',
  'ipchains -P forward DENY',
  'ipchains -A forward -s $inside_net -j MASQ',
];

/** A scenario whose script begins on line 9, column 5. */
function scenario(
  script: readonly string[],
  firewall: readonly string[] = [],
  expected = ['download is complete'],
): string {
  return [
    'title: A start script',
    'claim: A start script is run as it stands.',
    'behind: client',
    'firewall:',
    '  kind: ipchains',
    '  nat: masquerade',
    '  policy: drop',
    '  rules: |',
    ...['#!/bin/sh', ...script].map((line) => `    ${line}`),
    ...firewall.map((line) => `  ${line}`),
    'server: ftp-srv',
    'client: basic-ftp',
    'session:',
    '  - download: { mode: passive, size: 64 KiB }',
    'expect:',
    ...expected.map((sentence) => `  - ${sentence}`),
    '',
  ].join('\n');
}

interface Ran extends Finished {
  readonly result: RunResult | undefined;
  /** what the script printed */
  readonly said: string;
}

/** Runs a script, with the firewall that lets the client pass behind it. */
async function started(
  script: readonly string[],
  how: { bare?: true; firewall?: string[]; user?: true } = {},
): Promise<Ran> {
  const { prefix, labCopy, cwd } = how.user ? ordinaryUser() : { prefix: [], labCopy: LAB, cwd: scratch() };
  writeFileSync(
    join(cwd, 'case.yaml'),
    scenario([...script, ...(how.bare ? [] : MASQUERADING)], how.firewall),
  );
  const end = await run(
    [...prefix, process.execPath, labCopy, 'run', '--json', '--keep', './case.yaml'],
    cwd,
  );
  if (end.code === 2) return { ...end, result: undefined, said: '' };
  const [result] = documentIn(end);
  const file = join(cwd, result?.artifacts.directory ?? 'none', 'start-script.txt');
  return { ...end, result, said: existsSync(file) ? readFileSync(file, 'utf8') : '' };
}

describe.each(['the tests’ own user', 'an ordinary user'])('for %s a script', (who) => {
  const user = who.startsWith('an') ? ({ user: true } as const) : {};

  test('finds the old firewall: tools by name and by path, files of /proc, its own address', async () => {
    const { said, result } = await started(
      [
        'for tool in ipchains ipchains-save ipmasqadm modprobe rmmod lsmod depmod ifconfig; do',
        '  for path in $tool /sbin/$tool /usr/sbin/$tool; do type $path > /dev/null || echo "no $path"; done',
        'done',
        '[ -f /proc/net/ip_fwchains ] && echo chains are a file',
        'cat /proc/sys/net/ipv4/ip_forward',
        '/sbin/ifconfig outside | grep "inet addr"',
        'ls /proc/sys/net/ipv4/conf',
        'modprobe ip_masq_ftp; lsmod | grep ftp',
        'ipchains -A input -s 203.0.113.99 -j DENY; cat /proc/net/ip_fwchains; ipchains -D input 1',
        'echo "I am $(id -u), and this is $server"',
      ],
      user,
    );
    expect({ outcome: result?.outcome, reason: result?.reason }).toEqual({ outcome: 'pass', reason: null });
    expect(said.split('\n')).toEqual([
      'chains are a file',
      '0',
      '          inet addr:203.0.113.1  Bcast:203.0.113.255  Mask:255.255.255.0',
      ...['all', 'default', 'inside', 'lo', 'outside'],
      expect.stringMatching(/^ip_masq_ftp +3808 +0 +\(unused\)$/),
      expect.stringMatching(/^ +input CB007163\/FFFFFFFF->00000000\/00000000 - 10 0 0 /),
      'I am 0, and this is 203.0.113.20',
      '',
    ]);
  });

  test('can change nothing but that firewall', async () => {
    // Were the guard broken, what these try would do no harm.
    const { said, result } = await started(
      [
        'for place in /usr /usr/bin /lib /proc/sys/kernel /proc/sys/net/ipv4 /proc/net; do',
        '  { echo > $place/lab-was-here; } 2> /dev/null && echo "wrote to $place"',
        'done',
        '{ echo lab > /proc/sys/kernel/domainname; } 2> /dev/null && echo named',
        'mount -t tmpfs none /tmp 2> /dev/null && echo mounted',
        'umount /usr 2> /dev/null && echo unmounted',
        'ip link set outside down 2> /dev/null && echo down',
        'nft flush ruleset 2> /dev/null && echo flushed',
        'ls -A /home /root /tmp /var/log | grep -v -e : -e "^$"',
        'echo > /lab-was-here; echo > /usr/sbin/lab-was-here; echo > /etc/lab-was-here; echo > /var/lab-was-here',
        'grep Cap /proc/self/status | grep -v CapBnd | grep -v "0000000000000000"',
        'mkdir -p /var/lock/subsys && touch /var/lock/subsys/ipchains && echo lockable',
      ],
      user,
    );
    expect({ outcome: result?.outcome, reason: result?.reason, said }).toEqual({
      ...{ outcome: 'pass', reason: null },
      said: 'lockable\n',
    });
    for (const place of ['/', '/etc', '/usr', '/usr/bin', '/usr/sbin', '/var'])
      expect(existsSync(join(place, 'lab-was-here'))).toBe(false);
  });
});

test('rules are rows, wherever a loop, a function or ipchains-restore made them', async () => {
  const { result } = await started([
    'allow () {',
    '  ipchains -A input -i outside -p tcp -s 0/0 $1 -j ACCEPT',
    '}',
    'for port in 21 2121; do',
    '  allow $port',
    'done',
    'ipchains-restore <<END',
    '-A output -s 0.0.0.0/0.0.0.0 -d 0.0.0.0/0.0.0.0 -i outside',
    'END',
  ]);
  expect(result?.rules.map(({ row, text, packets }) => [row, text, packets > 0])).toEqual([
    [1, 'ipchains -A input -i outside -p tcp -s 0/0 21 -j ACCEPT', true],
    [2, 'ipchains -A input -i outside -p tcp -s 0/0 2121 -j ACCEPT', false],
    [3, '-A output -s 0.0.0.0/0.0.0.0 -d 0.0.0.0/0.0.0.0 -i outside', true],
    [4, 'ipchains -A forward -s 10.0.0.0/24 -j MASQ', true],
    ['policy', 'policy drop', false],
  ]);
});

test('a firewall is as the kernel shipped it: without ip_forward nothing crosses', async () => {
  const { result } = await started(MASQUERADING.slice(1), { bare: true });
  expect(result?.expectations).toMatchObject([{ held: false }]);
  expect(result?.rules.map(({ packets }) => packets)).toEqual([0, 0]);
});

/** What is wrong, the script, and each place with what is said of it. */
const WRONG: readonly (readonly [string, readonly string[], readonly (readonly [number, string])[]])[] = [
  [
    'a chain that is not there, in a function called from a loop',
    ['add () {', '  ipchains -A $1 -j DENY', '}', 'for chain in input inptu; do add $chain; done'],
    [[11, 'unknown chain "inptu"']],
  ],
  ['timeouts that are two', ['ipchains -M -S 7200 10'], [[10, 'takes three numbers of seconds']]],
  [
    'a module there is not',
    ['for name in ftp ftq; do', '  modprobe ip_masq_$name', 'done'],
    [[11, "Can't locate module ip_masq_ftq"]],
  ],
  [
    'ports of a module that are none',
    ['modprobe ip_masq_ftp ports=21,x'],
    [[10, 'invalid parameter ports=21,x']],
  ],
  ['a program there is not', ['nosuchprogram -a'], [[10, 'nosuchprogram: command not found']]],
  ['a loop without its end', ['for f in 1 2; do', '  echo $f'], [[15, 'syntax error']]],
  [
    'a switch there is not',
    ['echo 1 > /proc/sys/net/ipv4/ip_forwarding'],
    [[10, '/proc/sys/net/ipv4/ip_forwarding: Permission denied']],
  ],
  [
    'a switch that is not a number',
    ['echo yes > /proc/sys/net/ipv4/ip_dynaddr'],
    [[10, '/proc/sys/net/ipv4/ip_dynaddr: ']],
  ],
  [
    'a policy the scenario has otherwise',
    ['ipchains -P forward ACCEPT'],
    [[9, 'policy: is drop, but the script leaves input ACCEPT, forward ACCEPT']],
  ],
  [
    'more than one thing',
    ['ipchains -A input -j DNEY', 'rmmod ip_masq_ftp'],
    [
      [10, 'DNEY'],
      [11, 'module ip_masq_ftp is not loaded'],
    ],
  ],
];

function escaped(text: string): string {
  return text.replace(/[.*+?^$()|[\]{}\\]/g, '\\$&');
}

describe('what the firewall does not take is shown where the script has it, with exit code 2:', () => {
  test.each(WRONG)('%s', async (what, script, places) => {
    const bare = what.startsWith('a policy') ? ({ bare: true } as const) : {};
    const { code, stderr } = await started(script, bare);
    expect({ code, stderr: code === 2 ? '' : stderr }).toEqual({ code: 2, stderr: '' });
    const said = stderr.split('\n').filter((line) => /case\.yaml:\d+:5: /.test(line));
    expect(said).toEqual(
      places.map(
        ([line, text]) =>
          expect.stringMatching(new RegExp(`case\\.yaml:${line}:5: .*${escaped(text)}`)) as string,
      ),
    );
  });

  test('but not what the script itself has silenced', async () => {
    const { result } = await started([
      'ipchains -X old 2> /dev/null',
      'modprobe ip_masq_nosuch > /dev/null 2>&1 || true',
      'iptables -F 2>&-',
    ]);
    expect({ outcome: result?.outcome, reason: result?.reason }).toEqual({ outcome: 'pass', reason: null });
  });

  test('nor what ends with another code than 0', async () => {
    const { result } = await started([...MASQUERADING, 'exit 3'], { bare: true });
    expect(result?.outcome).toBe('pass');
  });
});

test.each([
  ['#!/usr/bin/perl', '8:13', 'a start script is run by #!/bin/sh or #!/bin/bash; found /usr/bin/perl'],
])('an interpreter that is no shell is refused at its place: %s', async (first, _place, message) => {
  const folder = scratch();
  writeFileSync(join(folder, 'case.yaml'), scenario([]).replace('#!/bin/sh', first));
  const { code, stderr } = await lab(['./case.yaml'], folder);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining(`case.yaml:9:5: ${message}`) as string,
  });
});

test('what a script says itself stands nowhere else', async () => {
  const { code, stderr } = await started([], { firewall: ['modules: [ip_masq_ftp]', 'forward: [21]'] });
  expect(code).toBe(2);
  expect(stderr).toContain(
    'modules does not go with a start script, which says it all; instead: modprobe in it',
  );
  expect(stderr).toContain(
    'forward does not go with a start script, which says it all; instead: ipmasqadm portfw in it',
  );
});

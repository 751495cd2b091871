import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Box } from '../box';
import { BASE_SCENARIO, ordinaryUser, scenarioWith } from '../support';

// Bad input: one clear error with its place, exit 2, nothing started, nothing left.

/** What is wrong, the change that makes it so, the place, and what the error must say. */
const CASES: readonly (readonly [string, string | RegExp, string, string, string])[] = [
  ['YAML syntax', 'server: {', 'server: [', '11:', 'not valid YAML'],
  [
    'a key twice',
    'client: basic-ftp\n',
    'client: basic-ftp\nclient: basic-ftp\n',
    '13:1',
    'not valid YAML: Map keys must be unique',
  ],
  [
    'an unknown key',
    'policy: drop',
    'polcy: drop',
    '7:3',
    'unknown key "polcy" in firewall; did you mean "policy"?; known: product, kind, kernel, nat, policy',
  ],
  [
    'an unknown key at the top',
    'client: basic-ftp',
    'cleint: basic-ftp',
    '12:1',
    'unknown key "cleint"; did you mean "client"?',
  ],
  [
    'an unknown key in a union',
    'port: 21,',
    'prot: 21,',
    '11:29',
    'unknown key "prot" in server; did you mean "port"?',
  ],
  ['a missing key', 'behind: client\n', '', '1:1', 'behind is missing'],
  ['a wrong type', 'behind: client', 'behind: [client]', '3:9', 'behind is a list; allowed: client, server'],
  [
    'a wrong value',
    'nat: masquerade',
    'nat: maybe',
    '6:8',
    'firewall.nat is "maybe"; allowed: none, masquerade',
  ],
  [
    'an unknown program',
    'client: basic-ftp',
    'client: lftp',
    '12:9',
    'client is "lftp"; allowed: basic-ftp, or a map',
  ],
  ['text for a number', 'port: 21,', 'port: "x",', '11:35', 'server.port is "x"; allowed: a whole number'],
  ['a port out of range', 'port: 21,', 'port: 70000,', '11:35', 'server.port is 70000; allowed: up to 65535'],
  ['port zero', 'port: 21,', 'port: 0,', '11:35', 'server.port is 0; allowed: 1 or more'],
  [
    'a range out of range',
    '50000-50099',
    '50000-70000',
    '11:54',
    'port 70000 is out of range; allowed: a number from 1 to 65535',
  ],
  [
    'an upside-down range',
    '50000-50099',
    '50099-50000',
    '11:54',
    'port range 50099-50000 is upside down; did you mean 50000-50099?',
  ],
  [
    'an upside-down range in a rule',
    'ct state established,related accept',
    'tcp dport 6009-6000 accept',
    '9:15',
    'nft refuses row 1, “tcp dport 6009-6000 accept”: Range has zero or negative size',
  ],
  [
    'a port out of range in a rule',
    'ct state established,related accept',
    'tcp dport { 21, 99999 } accept',
    '9:21',
    'nft refuses row 1, “tcp dport { 21, 99999 } accept”: Service out of range',
  ],
  [
    'an address outside the topology',
    'client: basic-ftp',
    'client: { program: basic-ftp, address: 192.168.1.5 }',
    '12:40',
    'client.address is 192.168.1.5, outside the topology; allowed: 10.0.0.2 to 10.0.0.254',
  ],
  [
    'no address at all',
    'client: basic-ftp',
    'client: { program: basic-ftp, address: here }',
    '12:40',
    'client.address is "here"; allowed: an IPv4 address',
  ],
  [
    'a duration without unit',
    'patience: 3 s',
    'patience: 3',
    '13:11',
    'patience is 3; allowed: a duration with its unit',
  ],
  [
    'a duration without unit, as text',
    'patience: 3 s',
    'patience: "3"',
    '13:11',
    'patience is "3"; allowed: a duration with its unit',
  ],
  [
    'a size without unit',
    '64 KiB',
    '64',
    '15:38',
    'session[1].download.size is 64; allowed: a size with its unit',
  ],
  ['too much to move', '64 KiB', '5 GiB', '15:15', 'over 4 GiB'],
  [
    'two transfers in one step',
    'size: 64 KiB }',
    'size: 64 KiB }\n    list: { mode: passive }',
    '15:5',
    'is not one step',
  ],
  ['no step', /session:\n.*\n/, 'session: []\n', '14:10', 'session is a list; allowed: 1 or more'],
  [
    'a command of the other mode',
    'mode: passive,',
    'mode: passive, command: PORT,',
    '15:41',
    'is PORT; allowed in passive mode: PASV, EPSV, own',
  ],
  ['an unknown sentence', 'download is complete', 'download is fine', '17:5', 'T is complete'],
  [
    'a sentence about no transfer',
    'download is complete',
    'upload is complete',
    '17:5',
    'no transfer "upload" in the session; there is "download"',
  ],
  [
    'an unknown claim',
    'expect:',
    'claims: { C99: [download is complete] }\nexpect:',
    '16:11',
    'unknown claim "C99"; known: C01 to C55',
  ],
  [
    'an unknown module',
    'policy: drop',
    'policy: drop\n  modules: [ip_masq_irc]',
    '8:13',
    'unknown module "ip_masq_irc"; known: ip_conntrack_ftp, ip_nat_ftp',
  ],
  [
    'half a pair of modules',
    'policy: drop',
    'policy: drop\n  modules: [ip_nat_ftp]',
    '8:12',
    'ip_nat_ftp needs ip_conntrack_ftp',
  ],
  [
    'a twin that is not there',
    'behind: client',
    'behind: client\ntwin: nowhere',
    '4:7',
    'there is no nowhere.yaml beside this file',
  ],
  [
    'a forward that makes no sense',
    'nat: masquerade',
    'nat: none\n  forward: [21]',
    '7:12',
    'only with the client behind NAT',
  ],
  [
    'a rule nft refuses',
    'ct state established,related accept',
    'ct state bananas accept',
    '9:14',
    'nft refuses row 1',
  ],
  [
    'rules that come to nothing',
    'ct state established,related accept',
    'flush ruleset',
    '7:11',
    'firewall.policy is drop, but the rules set it to accept; they must agree',
  ],
];

let box: Box;
let before: ReturnType<Box['state']>;
beforeAll(async () => {
  box = await Box.make();
  before = box.state();
});

test.each(CASES)('%s', async (_what, from, to, place, message) => {
  const folder = box.scratch();
  const file = scenarioWith([[from, to]], folder);
  const { code, stdout, stderr } = await box.lab(['-q', file], folder);
  expect(stderr).toContain(message);
  expect(stderr).toContain(`${file}:${place}`);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(readdirSync(folder)).toEqual(['case.yaml']);
});

test('one mistake gives one error, with the line and a mark under the place', async () => {
  const file = scenarioWith([['policy: drop', 'policy: dorp']], box.scratch());
  const { stderr } = await box.lab([file]);
  expect(stderr).toBe(
    `${file}:7:11: firewall.policy is "dorp"; allowed: accept, drop, deny\n    policy: dorp\n            ^\n`,
  );
});

test('a mistyped key is one mistake', async () => {
  const { stderr } = await box.lab([scenarioWith([['policy: drop', 'polcy: drop']], box.scratch())]);
  expect(stderr).not.toContain('missing');
});

test('every mistake of a file is named', async () => {
  const changes = [
    ['port: 21,', 'port: 0,'],
    ['patience: 3 s', 'patience: 3'],
  ] as const;
  const { stderr } = await box.lab([scenarioWith(changes, box.scratch())]);
  expect(stderr).toContain(':11:35:');
  expect(stderr).toContain(':13:11:');
});

test('an unknown scenario, with the nearest names', async () => {
  const { code, stderr, stdout } = await box.lab(['pasive-nat']);
  expect(stderr).toContain('unknown scenario "pasive-nat"; did you mean passive-nat');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('one wrong name of several starts none', async () => {
  const { code, stderr } = await box.lab(['passive-nat', 'nonsense']);
  expect(code).toBe(2);
  expect(stderr).not.toContain('logging in');
});

test.each([
  ['an unknown option', ['run', '--fast'], "unknown option '--fast'"],
  ['a wrong number', ['run', '--jobs', 'many', 'passive-nat'], 'allowed: whole numbers from 1'],
  ['nothing to run', ['run'], 'no scenario named'],
  ['an unknown verb', ['docter'], 'did you mean the verb "doctor"?'],
])('%s', async (_what, args, message) => {
  const { code, stderr, stdout } = await box.lab(args);
  expect(stderr).toContain(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

describe('a file that is no scenario', () => {
  let folder: string;
  beforeAll(() => {
    folder = box.scratch();
  });

  test.each<[string, (file: string) => void, string]>([
    [
      'a directory',
      (file) => {
        mkdirSync(file);
      },
      'is a directory; a scenario file is wanted',
    ],
    [
      'empty',
      (file) => {
        writeFileSync(file, '');
      },
      'the file is empty',
    ],
    [
      'only comments',
      (file) => {
        writeFileSync(file, '# nothing\n');
      },
      'holds no scenario',
    ],
    [
      '50 MB',
      (file) => {
        writeFileSync(file, Buffer.alloc(50_000_000, 0x20));
      },
      'is 47.7 MiB; a scenario has at most 1 MiB',
    ],
    [
      'binary',
      (file) => {
        writeFileSync(file, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0xff, 0xfe]));
      },
      'is not a text file (UTF-8)',
    ],
    [
      'text with NULs',
      (file) => {
        writeFileSync(file, 'title: a\0b\n');
      },
      'is not a text file (UTF-8)',
    ],
    [
      'a list',
      (file) => {
        writeFileSync(file, '- a\n- b\n');
      },
      'the scenario is a list; allowed: a map of keys and values',
    ],
    ['absent', () => undefined, 'no such file'],
    [
      'aliases that multiply',
      (file) => {
        writeFileSync(file, bomb());
      },
      'not valid YAML',
    ],
  ])('%s', async (what, make, message) => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.yaml`);
    make(file);
    const { code, stderr, stdout } = await box.lab([file]);
    expect(stderr).toContain(file);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('a pipe', async () => {
    const file = join(folder, 'pipe.yaml');
    await box.run(['mkfifo', file]);
    const { code, stderr } = await box.lab([file]);
    expect(stderr).toContain('is not a regular file');
    expect(code).toBe(2);
  });

  test('unreadable', async () => {
    const user = ordinaryUser(box.share);
    const file = join(user.cwd, 'secret.yaml');
    writeFileSync(file, BASE_SCENARIO, { mode: 0o000 });
    const { code, stderr } = await box.run([...user.prefix, process.execPath, user.labCopy, file], user.cwd);
    expect(stderr).toContain('may not be read: permission denied');
    expect(code).toBe(2);
  });
});

// Last of all: what was refused has started nothing.
test('after all this the machine is as it was', async () => {
  await box.quiet();
  expect(box.state()).toEqual(before);
});

/** Each line repeats the one before twice: 2^30 values, were it ever expanded. */
function bomb(): string {
  const lines = ['a0: &a0 [x, x]'];
  for (let n = 1; n <= 30; n += 1) lines.push(`a${n}: &a${n} [*a${n - 1}, *a${n - 1}]`);
  return `${lines.join('\n')}\n`;
}

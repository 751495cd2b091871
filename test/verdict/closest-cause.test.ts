import type { CauseCode } from '../../src/scenario';
import { lab, runs, scenarioWith } from '../support';

// Scenarios that are nearly those of another cause, and what scenarios may not ask for.

type Changes = Parameters<typeof scenarioWith>[0];

const RULES = / {4}ct state established.*\n.*\n/;
const NO_NAT = ['nat: masquerade', 'nat: none'] as const;
const OWN_TABLES = `    table ip own {
      ct helper standard {
        type "ftp" protocol tcp
      }
      chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        tcp dport 21 accept
      }
    }
`;

test.each<[string, Changes, CauseCode]>([
  [
    'data from any port, where no row accepts port 20',
    [NO_NAT, [RULES, '    tcp dport 21 accept\n    tcp sport 21 accept\n'], ['port: 21,', 'data-port: any,']],
    'data-dropped',
  ],
  [
    'no helper, and a row of its own that drops the data',
    [
      NO_NAT,
      [
        'iifname "inside" oifname "outside" ct state new accept',
        'tcp dport 21 accept\n    tcp sport 20 drop',
      ],
    ],
    'data-dropped',
  ],
  [
    'no helper, and no row that would accept what it makes related',
    [NO_NAT, [RULES, '    tcp dport 21 accept\n    tcp sport 21 accept\n']],
    'data-dropped',
  ],
  [
    'a helper in the owner’s own tables that no rule attaches',
    [NO_NAT, [RULES, OWN_TABLES]],
    'helper-not-attached',
  ],
  [
    'a helper on another port, where a filter alone counts on it',
    [
      NO_NAT,
      ['policy: drop', 'policy: drop\n  modules: [ip_conntrack_ftp]'],
      ['iifname "inside" oifname "outside" ct state new accept', 'tcp dport 2121 accept'],
      ['port: 21,', 'port: 2121,'],
    ],
    'helper-on-another-port',
  ],
  [
    'a control connection that a row answers with RST',
    [['iifname "inside" oifname "outside" ct state new accept', 'tcp dport 21 reject with tcp reset']],
    'reset-by-row',
  ],
])('%s', async (_what, changes, code) => {
  const file = scenarioWith([
    ...changes,
    ['patience: 3 s', 'patience: 800 ms'],
    ['mode: passive', 'mode: active'],
    ['download is complete', `download is blocked as ${code}`],
  ]);
  const { runs: all } = await runs([file]);
  expect(all).toMatchObject([{ outcome: 'pass', reason: null, diagnosis: [{ code }] }]);
});

test('a control connection whose entry expired while the firewall drops what is for itself: nobody is told', async () => {
  const file = scenarioWith([
    ['policy: drop', 'policy: drop\n  input: drop\n  timeouts: { established: 1s }'],
    ['patience: 3 s', 'patience: 800 ms'],
    ['size: 64 KiB', 'size: 64 KiB, lasting: 3 s'],
    ['download is complete', 'download is diagnosed as control-expired'],
  ]);
  const { runs: all } = await runs([file]);
  expect(all).toMatchObject([{ outcome: 'pass', diagnosis: [{ code: 'control-expired' }] }]);
  expect(all[0]?.diagnosis[0]?.text).toMatch(
    /The server was the first to speak after that, at \d+\.\d s with “226 file-1\.bin”, and its packet went no further than the firewall\. The file is whole/,
  );
});

test.each<[string, string, string, string]>([
  ['a request that never got to the server', 'dport 21', '0x52455452', 'the request as the server heard it'],
  ['a 150 that never got to the client', 'sport 21', '0x31353020', 'the reply that begins the transfer'],
])('%s is not the client’s impatience', async (_what, direction, swallowed, missing) => {
  const { runs: all } = await runs([
    scenarioWith(
      [
        [
          '    ct state established',
          `    tcp ${direction} @ih,0,32 ${swallowed} drop\n    ct state established`,
        ],
        ['patience: 3 s', 'patience: 800 ms'],
        ['- download: {', '- upload: {'],
        ['download is complete', 'upload is complete'],
      ].map(([from = '', to = '']) => [
        from,
        swallowed === '0x52455452' ? to.replace('upload', 'download') : to,
      ]),
    ),
  ]);
  expect(all).toMatchObject([{ outcome: 'fail', diagnosis: [{ code: 'unproven' }] }]);
  expect(all[0]?.diagnosis[0]?.text).toContain(`for client-gave-up: ${missing}`);
});

test('nothing is diagnosed of what succeeded, and the sentence that says so does not hold', async () => {
  const { runs: all } = await runs([
    scenarioWith([['download is complete', 'download is diagnosed as data-dropped']]),
  ]);
  expect(all).toMatchObject([
    { outcome: 'fail', diagnosis: [], expectations: [{ held: false, why: 'nothing failed' }] },
  ]);
});

test.each<[string, readonly [string, string], string]>([
  [
    'a cause the lab does not know',
    ['download is complete', 'download is blocked as gremlins'],
    '"gremlins" is no cause the lab can name; it knows: name-not-resolved,',
  ],
  [
    'a data port by number',
    ['port: 21,', 'data-port: 20,'],
    'server.data-port is 20; allowed: standard, any',
  ],
  ['a range that ends before it begins', ['port: 21,', 'busy-ports: 9-1,'], 'server.busy-ports is wrong: '],
  [
    'no patience to speak of',
    ['port: 21,', 'patience: 10 ms,'],
    'server.patience is 10 ms; allowed: 100 ms or more',
  ],
  [
    'TLS, perhaps',
    ['client: basic-ftp', 'client: { program: basic-ftp, tls: maybe }'],
    'client.tls is "maybe"; allowed:',
  ],
])('%s is refused before anything runs', async (_what, change, message) => {
  const { code, stderr } = await lab(['run', scenarioWith([change])]);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

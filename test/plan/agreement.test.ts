import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { comparable, moment } from '../agreement';
import { runs, scratch } from '../support';

// A scaled run finds what a real one finds. Here with seconds for minutes; `npm run test:real-time` does it with
// the minutes themselves.

const HEAD = `title: t
claim: c
behind: client
firewall:
  kind: nftables
  nat: masquerade
  policy: drop
  rules: |
    ct state established,related accept
    iifname "inside" oifname "outside" accept
  timeouts: { established: 4s }
`;
const TAIL = (session: string, sentences: readonly string[], client = ''): string =>
  `server: ftp-srv
client: { program: basic-ftp${client} }
session:
${session}expect:
${sentences.map((text) => `  - ${text}\n`).join('')}`;
const DOWNLOAD = (lasting: string): string =>
  `  - download: { mode: passive, size: 16 KiB, lasting: ${lasting} }\n`;
const IDLE = '  - idle: 5s\n  - download: { mode: passive, size: 16 KiB }\n';

/** Sentences that hold here and there, or nowhere: an agreement on "not held" counts as much. */
const SENTENCES = [
  'download is complete',
  'download ends with reply 226',
  'the control connection survives',
  'the control connection expires 4 s after its last packet',
  'the final reply of the download never reaches the client',
];

const FILES: Readonly<Record<string, string>> = {
  shorter: HEAD + TAIL(DOWNLOAD('3s'), SENTENCES),
  longer: HEAD + TAIL(DOWNLOAD('5s'), SENTENCES),
  'client-first': HEAD + TAIL(IDLE, SENTENCES),
  'client-first-strict': `${HEAD}  loose: false\n${TAIL(IDLE, SENTENCES)}`,
  'server-first-drop': `${HEAD}  input: drop\n${TAIL(DOWNLOAD('5s'), SENTENCES)}`,
  'keep-alive': HEAD + TAIL(IDLE, SENTENCES, ', keep-alive: 2s'),
};

let real: readonly RunResult[];
let scaled: readonly RunResult[];

beforeAll(async () => {
  const folder = scratch();
  const names = Object.keys(FILES).map((name) => {
    writeFileSync(join(folder, `${name}.yaml`), FILES[name] ?? '');
    return `./${name}.yaml`;
  });
  const all = async (...how: string[]): Promise<readonly RunResult[]> =>
    (await runs([...names, ...how, '--jobs', '6'], folder)).runs;
  real = await all('--real-time');
  scaled = await all('--time-scale', '2');
});

test.each(Object.keys(FILES))('%s: real and scaled agree on every check', (name) => {
  const [one, other] = [real, scaled].map((runsOf) => runsOf.find(({ scenario }) => scenario === name));
  if (!one || !other) throw new Error(`${name} did not run`);
  expect([one.timeScale, other.timeScale]).toEqual([1, 2]);
  expect(comparable(other)).toEqual(comparable(one));
  const [a, b] = [moment(one), moment(other)];
  expect(a.expiredAt === null).toBe(b.expiredAt === null);
  expect(Math.abs((a.expiredAt ?? 0) - (b.expiredAt ?? 0))).toBeLessThan(a.give + b.give);
});

test('they are not agreed on one answer for all: some of it holds, and some does not', () => {
  for (const sentence of SENTENCES) {
    const held = real.map(({ expectations }) => expectations.find(({ text }) => text === sentence)?.held);
    expect(new Set(held)).toEqual(new Set([true, false]));
  }
});

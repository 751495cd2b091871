import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observation } from '../../src/observe/event';
import { check } from '../../src/verdict/checks';
import { diagnose } from '../../src/verdict/diagnosis';
import { sortOut } from '../../src/verdict/facts';
import { runs, scratch } from '../support';
import { fromEvidence, type Recorded } from './recorded';

// Every sentence about time, held by a real run, and its evidence taken away.

const RULES = `  rules: |
    ct state established,related accept
    iifname "inside" oifname "outside" accept
`;
const LIST = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join('');

function scenario(
  firewall: string,
  session: readonly string[],
  sentences: readonly string[],
  server = 'ftp-srv',
): string {
  return `title: t
claim: c
behind: client
firewall:
  kind: nftables
  nat: masquerade
  policy: drop
${RULES}${firewall}server: ${server}
client: basic-ftp
patience: 1 s
session:
${LIST(session)}expect:
${LIST(sentences)}`;
}

const LONG = 'download: { mode: passive, size: 4 KiB, lasting: 2500 ms }';
const SMALL = 'download: { mode: passive, size: 4 KiB }';

/** A firewall, a session, and what holds there. */
const RUNS: Readonly<Record<string, string>> = {
  reset: scenario(
    '  timeouts: { established: 1s }\n',
    [LONG],
    [
      'the control connection expires',
      'the control connection expires 1 s after its last packet',
      'the server is the first to speak after the control connection has expired',
      'the firewall answers it with RST',
      'the final reply of the download never reaches the client',
      'the client takes the download for failed',
    ],
  ),
  dropped: scenario(
    '  input: drop\n  timeouts: { established: 1s }\n',
    [LONG],
    ['the firewall does not answer it', 'the server sends the final reply of the download again and again'],
  ),
  leaked: scenario(
    '  timeouts: { established: 1s }\n  loose: false\n',
    ['idle: 2500 ms', SMALL],
    [
      'the client is the first to speak after the control connection has expired',
      'a packet of the control connection leaves the firewall untranslated',
      'download is cut short',
    ],
  ),
  anew: scenario(
    '  timeouts: { established: 1s }\n  loose: true\n',
    ['idle: 2500 ms', SMALL],
    ['the control connection gets a new entry'],
  ),
  timers: scenario(
    '  timeouts: { established: 7200s, fin-wait: 10s, udp: 160s, udp-stream: 160s }\n',
    [SMALL],
    [
      "the control connection's entry has a timeout of 7200 s",
      "the control connection's entry always has 7000 s left",
      'the data connection of the download has 10 s left after a FIN',
      'a UDP entry has a timeout of 160 s',
      'the control connection survives',
      'no packet of the control connection leaves the firewall untranslated',
    ],
    '{ program: ftp-srv, name: ftp.example.net }',
  ),
};

const recorded = new Map<string, Recorded>();

beforeAll(async () => {
  const folder = scratch();
  const names = Object.keys(RUNS);
  for (const name of names) writeFileSync(join(folder, `${name}.yaml`), RUNS[name] ?? '');
  const { runs: all } = await runs([...names.map((name) => `./${name}.yaml`), '--keep'], folder);
  for (const result of all) recorded.set(result.scenario, fromEvidence(result, folder));
});

type Change = (observation: Observation) => Observation;

/** What each sentence says of a run, seen with some of it taken away. */
function verdicts(name: string, change: Change = (same) => same): Map<string, boolean | null> {
  const one = recorded.get(name);
  if (!one) throw new Error(`${name} did not run`);
  const facts = sortOut(one.plan, change(one.observation));
  const context = { facts, diagnoses: diagnose(facts) };
  return new Map(one.plan.expect.map((sentence) => [sentence.text, check(sentence, context).held]));
}

const without =
  (...vantages: string[]): Change =>
  (observation) => ({
    ...observation,
    events: observation.events.filter(({ vantage }) => !vantages.includes(vantage)),
    captures: observation.captures.filter(({ leg }) => !vantages.includes(`firewall ${leg}`)),
  });

test.each(Object.keys(RUNS))('%s: every sentence holds of what was seen', (name) => {
  const said = verdicts(name);
  expect([...said].filter(([, held]) => held !== true)).toEqual([]);
  expect(said.size).toBeGreaterThan(0);
});

/** What each sentence cannot do without. */
const NEEDS: readonly (readonly [string, string, string])[] = [
  ['reset', 'the control connection expires', 'conntrack'],
  ['reset', 'the control connection expires 1 s after its last packet', 'conntrack'],
  ['reset', 'the control connection expires 1 s after its last packet', 'firewall inside'],
  ['reset', 'the server is the first to speak after the control connection has expired', 'firewall inside'],
  ['reset', 'the server is the first to speak after the control connection has expired', 'firewall outside'],
  ['reset', 'the server is the first to speak after the control connection has expired', 'conntrack'],
  ['reset', 'the firewall answers it with RST', 'firewall inside'],
  ['reset', 'the firewall answers it with RST', 'firewall outside'],
  ['timers', 'no packet of the control connection leaves the firewall untranslated', 'firewall outside'],
  ['reset', 'the final reply of the download never reaches the client', 'client'],
  ['reset', 'the client takes the download for failed', 'lab'],
  ['dropped', 'the firewall does not answer it', 'firewall outside'],
  ['dropped', 'the firewall does not answer it', 'firewall inside'],
  ['dropped', 'the server sends the final reply of the download again and again', 'firewall outside'],
  ['leaked', 'the client is the first to speak after the control connection has expired', 'firewall outside'],
  ['leaked', 'a packet of the control connection leaves the firewall untranslated', 'firewall outside'],
  ['anew', 'the control connection gets a new entry', 'conntrack'],
  ['timers', "the control connection's entry has a timeout of 7200 s", 'conntrack'],
  ['timers', "the control connection's entry always has 7000 s left", 'conntrack'],
  ['timers', 'the data connection of the download has 10 s left after a FIN', 'conntrack'],
  ['timers', 'a UDP entry has a timeout of 160 s', 'conntrack'],
  ['timers', 'the control connection survives', 'conntrack'],
];

test.each(NEEDS)('%s: “%s” takes what was seen from the side of %s', (name, sentence, side) => {
  expect(verdicts(name).get(sentence)).toBe(true);
  expect(verdicts(name, without(side)).get(sentence)).not.toBe(true);
});

test('numbers count: another timeout than the one there was is not found', () => {
  const one = recorded.get('timers');
  if (!one) throw new Error('timers did not run');
  const facts = sortOut(one.plan, one.observation);
  const context = { facts, diagnoses: [] };
  for (const sentence of one.plan.expect.filter(({ number }) => number !== null)) {
    const other = { ...sentence, number: (sentence.number ?? 0) + 1000 };
    expect({ text: sentence.text, held: check(other, context).held }).toEqual({
      text: sentence.text,
      held: false,
    });
  }
});

import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { runs } from '../support';

// Rules as people have them, whose words mislead: what they do is what counts.

const FOLDER = join(__dirname, 'rules');

/** What the cause says of the rules, and its remedy. */
const CASES: readonly (readonly [string, RegExp, RegExp])[] = [
  ['own-dnat-nft', /never left it on the inside side: stopped by the policy drop/, /to 10\.0\.0\.20 port 21/],
  [
    'input-last-row',
    /forwards it to nobody and dropped it, by row 3, “-A INPUT -j DROP” \(1 packets\)/,
    /Forward/,
  ],
  [
    'two-forward-chains',
    /stopped by row 4, “iifname "inside" tcp dport 50000-50099 drop” \(1 packets\)\.$/,
    /Accept/,
  ],
  ['related-of-icmp-only', /stopped by the policy drop \(1 packets\)\.$/, /Accept new connections/],
  [
    'catch-all-row',
    /row 1, .*, did not take it .* stopped by row 3, .* no rule does\.$/,
    /Attach it by rule/,
  ],
  ['helper-match', /row 2, .*, did not take it .* no FTP helper is loaded\.$/, /Load the FTP helper/],
  [
    'helper-rule-unmatched',
    /Row 1, .*, is to attach the helper, and no packet matched it: the control connection came in from inside\.$/,
    /come in from inside and go to port 21/,
  ],
  [
    'nat-not-applied',
    /Row 1, .*, is to translate, and matched none: the packet was to go out to outside\.$/,
    /-o outside/,
  ],
  ['limit-spent', /Row 2, .*, accepts such packets, 6 in this run, and has a limit/, /limit of row 2/],
  [
    'policy-on-own-line',
    /row 1, “ct state established,related accept”, did not take it/,
    /Load the FTP helper/,
  ],
  [
    'foreign-net-and-service-name',
    /SYN got through, but the SYN\/ACK .* stopped by the policy/,
    /Accept the replies/,
  ],
];

let results: readonly RunResult[];
beforeAll(async () => {
  results = (await runs(CASES.map(([name]) => join(FOLDER, `${name}.yaml`)))).runs;
});

test.each(CASES)('%s', (name, text, remedy) => {
  const result = results.find(({ scenario }) => scenario === name);
  expect({ outcome: result?.outcome, reason: result?.reason }).toEqual({ outcome: 'pass', reason: null });
  expect(result?.diagnosis[0]?.text).toMatch(text);
  expect(result?.diagnosis[0]?.remedy).toMatch(remedy);
});

test('the result tells which row has a limit', () => {
  const limited = results.find(({ scenario }) => scenario === 'limit-spent');
  expect(limited?.rules.map(({ loaded }) => loaded?.does.limited ?? null)).toEqual([false, true, null]);
});

test('a row that attaches the helper shows in the picture', () => {
  const attached = results.find(({ scenario }) => scenario === 'helper-rule-unmatched');
  expect(attached?.topology.helper).toEqual({ ports: [21], openedBy: 'anybody', attach: 'rule' });
  const asked = results.find(({ scenario }) => scenario === 'helper-match');
  expect(asked?.topology.helper.ports).toEqual([]);
});

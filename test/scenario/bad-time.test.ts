import { loadScenario } from '../../src/scenario/load';
import { InputError } from '../../src/scenario/problem';
import { scenarioWith } from '../support';

// Times that cannot be: one clear error with its place. That such input starts nothing is tested beside the rest.

/** What is wrong, the change that makes it so, the place, and what the error must say. */
const CASES: readonly (readonly [string, string, string, string, string])[] = [
  [
    'a step that is two',
    '- download: {',
    '- idle: 5m\n    download: {',
    '15:5',
    'session.1 is not one step; allowed: one of download, upload, list, probe, idle, command, set-timeouts',
  ],
  [
    'an idle time of nothing',
    '- download: {',
    '- idle: 0s\n  - download: {',
    '15:11',
    'session.1.idle is 0s; allowed: more than nothing',
  ],
  [
    'an idle time of a year',
    '- download: {',
    '- idle: 8760h\n  - download: {',
    '15:11',
    'is 8760h; allowed: up to 720 h, which are 30 days',
  ],
  [
    'an idle time before the beginning',
    '- download: {',
    '- idle: -5m\n  - download: {',
    '15:11',
    'session[1].idle is "-5m"; allowed: a duration',
  ],
  [
    'a command that is none',
    '- download: {',
    '- command: FOO\n  - download: {',
    '15:14',
    'session[1].command is "FOO"; allowed: NOOP, PWD, SYST, STAT, FEAT',
  ],
  [
    'NOOP without end',
    'size: 64 KiB',
    'size: 64 KiB, noop-every: 0s',
    '15:58',
    'session.1.download.noop-every is 0s; allowed: more than nothing',
  ],
  [
    'no change of timeouts',
    '- download: {',
    '- set-timeouts: {}\n  - download: {',
    '15:19',
    'changes nothing; name a timeout',
  ],
  [
    'an unknown timeout',
    '- download: {',
    '- set-timeouts: { establishd: 5m }\n  - download: {',
    '15:21',
    'unknown key "establishd" in session[1].set-timeouts; did you mean "established"?',
  ],
  [
    'a change after the end',
    'size: 64 KiB',
    'size: 64 KiB, lasting: 5m, set-timeouts: { at: 6m, established: 1h }',
    '15:79',
    'session.1.download.set-timeouts.at is 6m, but the transfer is to last 5 min only',
  ],
  [
    'a keep-alive in fractions',
    'client: basic-ftp',
    'client: { program: basic-ftp, keep-alive: 1500 ms }',
    '12:43',
    'client.keep-alive is 1500 ms; allowed: whole seconds, 1 s or more, or off',
  ],
  [
    'a keep-alive of a day',
    'client: basic-ftp',
    'client: { program: basic-ftp, keep-alive: 24h }',
    '12:43',
    'client.keep-alive is 24h; allowed: up to 32767 s',
  ],
  [
    'a keep-alive that is no time',
    'client: basic-ftp',
    'client: { program: basic-ftp, keep-alive: often }',
    '12:43',
    'client.keep-alive is "often"; allowed: a duration with its unit, e.g. "5m", or off',
  ],
  [
    'patience without end',
    'patience: 3 s',
    'patience: 10000 h',
    '13:11',
    'patience is 10000 h; allowed: up to 720 h, which are 30 days',
  ],
  [
    'a timeout of nothing',
    'policy: drop',
    'policy: drop\n  timeouts: { established: 0s }',
    '8:28',
    'firewall.timeouts.established is 0s; allowed: whole seconds',
  ],
];

test.each(CASES)('%s', (_what, from, to, place, message) => {
  const file = scenarioWith([[from, to]]);
  const load = (): unknown => loadScenario(file);
  expect(load).toThrow(InputError);
  expect(load).toThrow(`${file}:${place}: `);
  expect(load).toThrow(message);
});

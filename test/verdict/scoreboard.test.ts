import type { LabEvent, Observation } from '../../src/observe/event';
import type { Plan } from '../../src/plan/plan';
import { CLAIMS } from '../../src/scenario/claims';
import { judge, skipped as notTried } from '../../src/verdict/judge';
import type { RunResult } from '../../src/verdict/run-result';
import { scoreboard, type Generation, type Score } from '../../src/verdict/scoreboard';
import { record, type Recorded } from './recorded';

// Real runs, of the catalogue's record. Verdicts are pure, so each run can be judged again with some of its
// events gone, and each claim with some of its runs gone: what it is then called must follow.

const SCENARIOS = [
  't1-active',
  't2-passive',
  't2-corrected-passive',
  't4-active',
  'nat-port-2121',
  'nat-port-2121-listed',
  'filter-helper-active',
  't2-exposure',
] as const;
type Name = (typeof SCENARIOS)[number];

const recorded = new Map<string, Recorded>();
/** A run that could not be tried. */
let skipped: RunResult;

beforeAll(async () => {
  for (const one of await record(SCENARIOS)) recorded.set(one.result.scenario, one);
  skipped = skippedRun();
});

/** A run on ipchains that could not be tried, of claims that t1-active tests on today's kernel. */
function skippedRun(): RunResult {
  const { plan } = of('t1-active');
  const { C10 } = plan.claims;
  if (!C10) throw new Error('t1-active tests no C10');
  const old: Plan = {
    ...plan,
    scenario: { ...plan.scenario, name: 'old' },
    firewall: { ...plan.firewall, kind: 'ipchains' },
    claims: { C10, C21: C10 },
  };
  return notTried(old, 'unknown', 'nothing here can run it');
}

function of(name: Name): Recorded {
  const found = recorded.get(name);
  if (!found) throw new Error(`${name} was not recorded`);
  return found;
}

/** The run as it was, or judged again after its observation was changed. */
function run(name: Name, change: (observation: Observation) => Observation = (same) => same): RunResult {
  const { plan, observation } = of(name);
  return judge(plan, change(observation), null);
}

const without = (test: (event: LabEvent) => boolean) => (observation: Observation) => ({
  ...observation,
  events: observation.events.filter((event) => !test(event)),
});

function score(id: string, all: readonly RunResult[], generation: Generation = 'today'): Score {
  const [claim] = scoreboard([id], all);
  if (!claim) throw new Error(`no score for ${id}`);
  return claim.verdicts[generation];
}

describe('one run', () => {
  test('upholds a claim all of whose checks held, and says by what', () => {
    const { verdict, why, scenarios } = score('C10', [run('t1-active')]);
    expect({ verdict, scenarios }).toEqual({ verdict: 'upheld', scenarios: ['t1-active'] });
    expect(why).toMatch(
      /^t1-active: “download is complete” \(65536 of 65536 bytes .*“list is complete” .*\.$/,
    );
  });

  test('refutes a claim none of whose checks held', () => {
    const { verdict, why } = score('C16', [run('t2-passive')]);
    expect(verdict).toBe('refuted');
    expect(why).toMatch(
      /^t2-passive: not “download is complete” \(0 of 65536 bytes arrived; control-dropped\)\.$/,
    );
  });

  test('upholds a claim in part, names the check that broke, and on what it depends', () => {
    const { verdict, why, shown } = score('C52', [run('filter-helper-active')]);
    expect(verdict).toBe('partly');
    expect(why).toContain(`when ${of('filter-helper-active').plan.claims['C52']?.when ?? '?'}`);
    expect(why).toContain('not “the PORT of the download arrives outside rewritten” (');
    expect(why).not.toContain('expects the data connection');
    expect(shown[0]?.checks.map(({ held }) => held)).toEqual([false, true]);
  });
});

describe('several runs', () => {
  const listed = () => run('nat-port-2121-listed');
  const unlisted = () => run('nat-port-2121');

  test('that agree give their common verdict, with all their scenarios', () => {
    const both = score('C09', [run('t2-corrected-passive'), run('t2-corrected-passive')]);
    expect(both).toMatchObject({
      verdict: 'upheld',
      scenarios: ['t2-corrected-passive', 't2-corrected-passive'],
    });
  });

  test('that differ make it partly, with what it depends on, both ways', () => {
    const { verdict, why } = score('C45', [unlisted(), listed()]);
    expect(verdict).toBe('partly');
    const when = (name: Name): string => of(name).plan.claims['C45']?.when ?? '?';
    expect(why).toMatch(/^Upheld when .* Refuted when .*\.$/s);
    expect(why.indexOf(when('nat-port-2121'))).toBeLessThan(why.indexOf('Refuted'));
    expect(why.indexOf(when('nat-port-2121-listed'))).toBeGreaterThan(why.indexOf('Refuted'));
  });

  test('one of which is taken away leave the other’s verdict; none leave none', () => {
    expect(score('C45', [unlisted()]).verdict).toBe('upheld');
    expect(score('C45', [listed()]).verdict).toBe('refuted');
    expect(score('C45', [run('t1-active')])).toEqual({
      verdict: 'untested',
      why: 'No scenario tests it on this firewall.',
      scenarios: [],
      shown: [],
    });
  });

  test('say the same in any order', () => {
    const all = SCENARIOS.map((name) => run(name));
    const verdicts = (list: readonly RunResult[]) =>
      scoreboard(Object.keys(CLAIMS), list).map(({ id, verdicts: { today } }) => `${id} ${today.verdict}`);
    expect(verdicts([...all].reverse())).toEqual(verdicts(all));
    expect(new Set(verdicts(all).map((line) => line.slice(4)))).toEqual(
      new Set(['upheld', 'refuted', 'partly', 'untested']),
    );
  });
});

describe('a verdict follows the events', () => {
  test('the claim falls when the file did not arrive as it was sent', () => {
    const spoilt = run('t1-active', (observation) => ({
      ...observation,
      events: observation.events.map((event) =>
        event.kind === 'file' && event.role === 'received' ? { ...event, sha256: '0'.repeat(64) } : event,
      ),
    }));
    expect(score('C10', [run('t1-active')]).verdict).toBe('upheld');
    // The listing is no file, and arrived.
    expect(score('C10', [spoilt]).verdict).toBe('partly');
    const nothing = run(
      't1-active',
      without(({ kind }) => kind === 'file' || kind === 'data'),
    );
    expect(score('C10', [nothing]).verdict).toBe('refuted');
  });

  test('the same file, judged by what its twin saw, gives the other verdict', () => {
    const { plan, result } = of('t2-passive');
    const { observation } = of('t2-corrected-passive');
    expect(score('C16', [result]).verdict).toBe('refuted');
    const swapped = judge(plan, observation, null);
    expect(score('C16', [swapped]).verdict).toBe('upheld');
    // What the scenario expects is broken then; the claim does not ask.
    expect(swapped.outcome).toBe('fail');
  });

  test('a row that counted nothing refutes what its packets upheld', () => {
    const silent = run('t1-active', (observation) => ({
      ...observation,
      events: observation.events.map((event) =>
        event.kind === 'rule' && event.row === 2 ? { ...event, packets: 0, bytes: 0 } : event,
      ),
    }));
    expect(score('C11', [run('t1-active')]).verdict).toBe('upheld');
    expect(score('C11', [silent]).verdict).toBe('partly');
    expect(score('C11', [silent]).why).toContain('not “row 2 counts packets” (0 packets)');
  });

  test('a block whose cause nobody saw upholds nothing', () => {
    const unseen = run(
      'nat-port-2121',
      without(({ kind }) => kind === 'ftp-line'),
    );
    expect(score('C45', [run('nat-port-2121')]).verdict).toBe('upheld');
    const { verdict, why } = score('C45', [unseen]);
    expect(verdict).toBe('untested');
    expect(why).toMatch(
      /^nat-port-2121 could not tell whether “download is blocked” \(The cause is not proven\./,
    );
  });

  test('probes that were not seen to leave prove nothing by not arriving', () => {
    expect(score('C15', [run('t2-exposure')]).verdict).toBe('upheld');
    const blind = run(
      't2-exposure',
      without((event) => event.kind === 'probe' && event.leg === 'outside'),
    );
    const { verdict, why } = score('C15', [blind]);
    expect(verdict).toBe('untested');
    expect(why).toMatch(/^t2-exposure could not tell whether “exposure arrives nowhere” \(of \d+ packets/);
  });

  test('a lost packet takes the run’s say, and the board tells why', () => {
    const lossy = run('t2-exposure', (observation) => ({
      ...without((event) => event.kind === 'probe' && event.leg === 'outside')(observation),
      captures: observation.captures.map((capture) => ({ ...capture, lost: 3 })),
    }));
    expect(lossy.outcome).toBe('infra-error');
    expect(score('C15', [lossy])).toMatchObject({
      verdict: 'untested',
      why: 't2-exposure proves nothing, for the lab itself failed: the inside capture lost 3 packets, and a check depends on them.',
    });
  });
});

describe('on the firewall of Linux 2.2', () => {
  test('a run that was skipped leaves the claim untested, with the reason', () => {
    expect(skipped.outcome).toBe('skipped');
    const { verdict, why, scenarios } = score('C10', [skipped], 'linux-2.2');
    expect({ verdict, scenarios }).toEqual({ verdict: 'untested', scenarios: ['old'] });
    expect(why).toMatch(/^old did not run: nothing here can run it\.$/);
  });

  test('it neither lends its reason to today’s kernel nor takes its verdict', () => {
    const both = [run('t1-active'), skipped];
    expect(score('C10', both)).toMatchObject({ verdict: 'upheld', scenarios: ['t1-active'] });
    expect(score('C10', both, 'linux-2.2')).toMatchObject({ verdict: 'untested', scenarios: ['old'] });
    expect(score('C10', [skipped]).why).toBe('No scenario tests it on this firewall.');
  });

  test('a run that did run there is judged there', () => {
    const t1 = run('t1-active');
    const old: RunResult = { ...t1, topology: { ...t1.topology, kind: 'ipchains' } };
    expect(score('C10', [old], 'linux-2.2').verdict).toBe('upheld');
    expect(score('C10', [old]).verdict).toBe('untested');
  });
});

test('a claim that no scenario can afford says what it takes, until one tests it', () => {
  expect(score('C54', []).why).toBe(`It takes ${CLAIMS['C54']?.needs ?? 'nothing'}.`);
  expect(score('C54', [], 'linux-2.2').why).toBe(score('C54', []).why);
  expect(score('C21', [skipped], 'linux-2.2').why).toMatch(/^old did not run: /);
});

test('every claim asked for is on the board, in the order asked, in its own words', () => {
  const board = scoreboard(['C38', 'C16'], [run('t2-passive')]);
  expect(board.map(({ id, text, era }) => ({ id, text, era }))).toEqual([
    { id: 'C38', text: CLAIMS['C38']?.text, era: 'any' },
    { id: 'C16', text: CLAIMS['C16']?.text, era: 'any' },
  ]);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forReport } from '../../src/report/for-report';
import { scoreboardReport } from '../../src/report/scoreboard';
import { PLAIN } from '../../src/report/style';
import { scenarioNames } from '../../src/scenario/catalogue';
import { CLAIMS } from '../../src/scenario/claims';
import { loadScenario } from '../../src/scenario/load';
import type { ClaimScore } from '../../src/verdict/scoreboard';
import { catalogue, DOCUMENT, recorded } from '../catalogue';
import { LAB, ROOT, lab, lastLines, run, scratch, type Finished } from '../support';

// The scoreboard through the real CLI: what packets say of the FAQ's claims. The whole of it is scored from the
// catalogue's record; single claims are run.

const ESCAPE = '\u001b';
const IDS = Array.from({ length: 55 }, (_, index) => `C${String(index + 1).padStart(2, '0')}`);
const VERDICTS = ['upheld', 'refuted', 'partly', 'untested'];

/** All claims. */
let whole: Finished;
let claims: ClaimScore[];

beforeAll(async () => {
  await catalogue();
  whole = await lab(['faq', '--json', '--from', DOCUMENT]);
  if (whole.stdout === '')
    throw new Error(`no document (exit ${whole.code ?? '?'}): ${lastLines(whole.stderr)}`);
  claims = (JSON.parse(whole.stdout) as { claims: ClaimScore[] }).claims;
});

function claim(id: string): ClaimScore {
  const found = claims.find((one) => one.id === id);
  if (!found) throw new Error(`${id} is not on the board`);
  return found;
}

describe('--json', () => {
  test('is one document of the contract, with all 55 claims, and exit 0', () => {
    expect(whole.code).toBe(0);
    expect(Object.keys(JSON.parse(whole.stdout) as object)).toEqual(['claims']);
    expect(claims.map(({ id }) => id)).toEqual(IDS);
    for (const { id, text, era, verdicts } of claims) {
      expect({ id, text, era }).toEqual({ id, text: CLAIMS[id]?.text, era: CLAIMS[id]?.era });
      expect(['2.2', '2.4', 'any']).toContain(era);
      expect(Object.keys(verdicts)).toEqual(['linux-2.2', 'today']);
      for (const { verdict, why, scenarios } of Object.values(verdicts)) {
        expect(VERDICTS).toContain(verdict);
        // One sentence, or one for each verdict it depends on.
        expect(why).toMatch(/^\S.*\.$/s);
        expect(scenarios.every((name) => name !== '')).toBe(true);
      }
    }
  });

  test('keeps progress to stderr, without colour', async () => {
    const { stdout, stderr } = await lab(['faq', '--json', 'C38']);
    expect(stdout).not.toContain(ESCAPE);
    expect(stderr).toContain('hash-marks: ');
    expect(stderr).not.toContain(ESCAPE);
  });

  test('of saved results is of them alone, and runs nothing', async () => {
    expect(whole.stderr).toBe('');
    const file = join(scratch(), 'one.json');
    const runs = (await recorded(['t2-passive', 'hash-marks'])).map((one) => ({
      ...one,
      outcome: 'fail',
      reason: 'so',
    }));
    writeFileSync(file, JSON.stringify({ schemaVersion: 1, runs }));
    const { code, stdout, stderr } = await lab(['faq', '--from', file, '--json', 'C38']);
    const [score] = (JSON.parse(stdout) as { claims: ClaimScore[] }).claims;
    expect(score?.verdicts.today).toMatchObject({ verdict: 'refuted', scenarios: ['hash-marks'] });
    // What did not hold is said, and is in the exit code, as after a run.
    expect(stderr).toBe('hash-marks: an expectation did not hold: so\n  npm run lab -- hash-marks\n');
    expect(code).toBe(1);
  });

  test('of a document that is none is refused', async () => {
    const { code, stdout, stderr } = await lab(['faq', '--from', 'no-such.json']);
    expect(stderr).toContain('no-such.json: no such file; wanted: what `lab run --json` printed');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

test.each(['linux-2.2', 'today'] as const)(
  'every claim that a scenario tests has a verdict on %s, from those scenarios',
  (generation) => {
    const tested = new Map<string, string[]>();
    for (const name of scenarioNames(join(ROOT, 'scenarios'))) {
      const scenario = loadScenario(join(ROOT, 'scenarios', `${name}.yaml`));
      if ((scenario.firewall.kind === 'ipchains') !== (generation === 'linux-2.2')) continue;
      for (const id of Object.keys(scenario.claims)) tested.set(id, [...(tested.get(id) ?? []), name]);
    }
    expect(tested.size).toBeGreaterThanOrEqual(39);
    for (const { id, verdicts } of claims) {
      const { verdict, why, scenarios, shown } = verdicts[generation];
      expect({ id, scenarios }).toEqual({ id, scenarios: tested.get(id) ?? [] });
      expect({ id, verdict, untested: verdict === 'untested' }).toEqual({
        ...{ id, verdict },
        untested: !tested.has(id),
      });
      // Untested claims say what they would take; "no scenario" alone is a gap in the catalogue.
      if (verdict === 'untested')
        expect({ id, why }).toEqual({ id, why: `It takes ${CLAIMS[id]?.needs ?? '?'}.` });
      expect(shown.filter(({ verdict: one }) => one === 'untested')).toEqual([]);
    }
  },
);

test('the flagship findings are what the kernel does', () => {
  const verdict = (id: string): string => claim(id).verdicts.today.verdict;
  // As printed T2 and T3 lack a row for the replies from port 21; T1 and T4 do not.
  expect(['C10', 'C25', 'C16', 'C24'].map(verdict)).toEqual(['upheld', 'upheld', 'refuted', 'refuted']);
  expect(['C01', 'C03', 'C38'].map(verdict)).toEqual(['upheld', 'upheld', 'refuted']);
  // Each is true here and not there: see the scenarios that show both.
  expect(['C15', 'C45', 'C50'].map(verdict)).toEqual(['partly', 'partly', 'partly']);
});

test('and what Linux 2.2 did', () => {
  const verdict = (id: string): string => claim(id).verdicts['linux-2.2'].verdict;
  expect(['C10', 'C25', 'C16', 'C24'].map(verdict)).toEqual(['upheld', 'upheld', 'refuted', 'refuted']);
  expect(['C42', 'C38', 'C31'].map(verdict)).toEqual(['upheld', 'refuted', 'upheld']);
  // ports=, in_ports= and table T3 are what it depends on.
  expect(['C19', 'C39', 'C45', 'C46', 'C49'].map(verdict)).toEqual(Array.from({ length: 5 }, () => 'partly'));
});

test('T1 and T4 are as narrow as their rows say: what answers nobody is not held against them', () => {
  const restrictive = claim('C47').verdicts.today.shown;
  const of = (scenario: string) => restrictive.find((one) => one.scenario === scenario)?.verdict;
  expect(['t1-outbound', 't4-exposure', 't2-exposure'].map(of)).toEqual(['upheld', 'upheld', 'upheld']);
  expect(['t1-exposure', 't2-outbound', 't5-exposure'].map(of)).toEqual(['refuted', 'refuted', 'refuted']);
});

describe('in short', () => {
  const lines = (): string[] => scoreboardReport(forReport(claims), PLAIN).split('\n');

  test('each claim has a line with both verdicts, and its reason below', () => {
    for (const { id, text, verdicts } of claims) {
      const at = lines().findIndex((line) => line.startsWith(`${id} `));
      const [first = '', next = ''] = lines().slice(at, at + 2);
      expect(first.split(/\s+/).slice(0, 3)).toEqual([
        id,
        verdicts['linux-2.2'].verdict,
        verdicts.today.verdict,
      ]);
      expect(first).toContain(text);
      const [old, today] = [verdicts['linux-2.2'], verdicts.today];
      const both = old.verdict !== 'untested' && today.verdict !== 'untested' && old.why !== today.why;
      const told = both ? `Linux 2.2: ${old.why}` : old.verdict === 'untested' ? today.why : old.why;
      expect(told.startsWith(next.trim())).toBe(true);
      expect(next.trim()).not.toBe('');
      if (both)
        expect(lines().slice(at).join(' ').replace(/\s+/g, ' ')).toContain(
          `today: ${today.why.slice(0, 60)}`,
        );
    }
  });

  test('the totals count every claim once for each firewall', () => {
    const totals = lines().slice(-3, -1);
    const counted = (verdict: string): number =>
      claims.filter(({ verdicts }) => verdicts.today.verdict === verdict).length;
    expect(totals[1]).toBe(`today      ${VERDICTS.map((word) => `${counted(word)} ${word}`).join(', ')}`);
    expect(totals[0]).toMatch(/^Linux 2\.2 /);
  });
});

describe('at length', () => {
  test('a claim has its words, its verdict, each scenario with its checks, and the command that shows it', async () => {
    const { code, stdout } = await lab(['faq', '-q', 'C16']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^C16 “${CLAIMS['C16']?.text ?? '?'}”\n {2}The FAQ says so of any firewall\\.\n`),
    );
    expect(stdout).toMatch(/\n {2}On today: refuted\n {4}t2-passive: not “download is complete” \(/);
    expect(stdout).toMatch(
      /\n {4}t2-passive — Table T2 as printed, passive client: refuted\n {6}✘ download is complete — 0 of 65536 bytes arrived; control-dropped\n {6}npm run lab -- t2-passive\n/,
    );
    expect(stdout).toMatch(
      /\n {2}On Linux 2\.2: refuted\n {4}t2-passive-ipchains: not “download is complete” \(/,
    );
    expect(stdout).not.toContain(ESCAPE);
    expect(stdout).not.toContain('C17');
  });

  test('several claims in the order asked, in either case', async () => {
    const { code, stdout, stderr } = await lab(['faq', '-q', 'c46', 'C16']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect([...stdout.matchAll(/^(C\d\d) “/gm)].map(([, id]) => id)).toEqual(['C46', 'C16']);
    expect(stdout).toMatch(/✘ download is blocked — 65536 bytes arrived/);
  });

  test('one that nothing tests says what it would take, and starts nothing', async () => {
    const id =
      claims.find(({ verdicts }) => Object.values(verdicts).every(({ scenarios }) => scenarios.length === 0))
        ?.id ?? 'none';
    const { code, stdout, stderr } = await lab(['faq', id]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`On today: untested\n    It takes ${CLAIMS[id]?.needs ?? '?'}.`);
  });

  test('one run at a time gives the same verdicts', async () => {
    const { code, stdout, stderr } = await lab(['faq', '--json', '--jobs', '1', 'C44', 'C45']);
    expect(code).toBe(0);
    const alone = (JSON.parse(stdout) as { claims: ClaimScore[] }).claims;
    const told = ({ id, verdicts: { today } }: ClaimScore) => [id, today.verdict, today.scenarios];
    expect(alone.map(told)).toEqual([claim('C44'), claim('C45')].map(told));
    // With one job a scenario is over before the next begins.
    const order = stderr.split('\n').flatMap((line) => /^([\w.-]+): /.exec(line)?.[1] ?? []);
    const changes = order.filter((name, index) => name !== order[index - 1]);
    expect(changes).toEqual([...new Set(order)]);
    const all = alone.flatMap(({ verdicts }) =>
      Object.values(verdicts).flatMap(({ scenarios }) => scenarios),
    );
    expect([...changes].sort()).toEqual(all.sort());
  });
});

test.each([
  ['C61', 'unknown claim "C61"; did you mean C'],
  ['c1', 'unknown claim "c1"; did you mean C01? known: C01 to C55'],
  ['16', 'unknown claim "16"; did you mean C16? known: C01 to C55'],
  ['constructor', 'unknown claim "constructor"; did you mean C'],
])('an unknown claim %s starts nothing, and suggests one that is known', async (id, message) => {
  const { code, stdout, stderr } = await lab(['faq', 'C16', id]);
  expect(stderr).toContain(message);
  expect(stderr.trimEnd()).not.toContain('\n');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('where nothing can run every claim is untested, says why, and the exit code is 4', async () => {
  process.env['DOCKER_HOST'] = 'unix:///no/such.sock';
  const { code, stdout, stderr } = await lab(['faq', '-q', '--json', '--engine', 'docker', 'C38']);
  delete process.env['DOCKER_HOST'];
  expect(code).toBe(4);
  expect(stderr).toContain('nothing could run here: ');
  const [score] = (JSON.parse(stdout) as { claims: ClaimScore[] }).claims;
  expect(score?.verdicts.today).toMatchObject({
    verdict: 'untested',
    scenarios: ['hash-marks', 'time-hash-marks'],
  });
  expect(score?.verdicts.today.why).toMatch(/^hash-marks did not run: .*no container engine found/s);
});

describe('on a terminal', () => {
  const onTerminal = (environment: string) =>
    run(['script', '-qec', `env ${environment} ${process.execPath} ${LAB} faq -q C16`, '/dev/null']);

  test('there is colour', async () => {
    const { stdout } = await onTerminal('TERM=xterm');
    expect(stdout).toContain(`On today: ${ESCAPE}[31mrefuted`);
  });

  test('NO_COLOR is honoured', async () => {
    const { stdout } = await onTerminal('TERM=xterm NO_COLOR=1');
    expect(stdout).toContain('On today: refuted');
    expect(stdout).not.toContain(`${ESCAPE}[3`);
  });
});

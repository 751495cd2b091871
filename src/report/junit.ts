import XMLBuilder from 'fast-xml-builder';
import { cut, splitLines } from './escape';
import type { ReportRun } from './for-report';
import { scaleText } from './time-scale';

/** One test case; its name is what was expected. */
interface TestCase {
  readonly '@name': string;
  readonly '@classname': string;
  readonly failure?: { readonly '@message': string; readonly '#text': string };
  readonly error?: { readonly '@message': string };
  readonly skipped?: { readonly '@message': string };
}

/** Longer texts than this say no more to a person. */
const MAX_TEXT = 4000;

/**
 * Runs as JUnit XML, as CI systems read it: a suite for each scenario, a case for each expectation. A
 * run that was not judged is one case, an error or skipped: never a failure, never a pass.
 */
export function junitReport(runs: readonly ReportRun[]): string {
  const suites = runs.map(suite);
  const sum = (count: '@tests' | '@failures' | '@errors' | '@skipped'): number =>
    suites.reduce((total, one) => total + one[count], 0);
  const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', format: true });
  const seconds = runs.reduce((total, { durationSeconds }) => total + durationSeconds, 0);
  return builder.build({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    testsuites: {
      '@name': 'ftp-firewall-lab',
      '@tests': sum('@tests'),
      '@failures': sum('@failures'),
      '@errors': sum('@errors'),
      '@skipped': sum('@skipped'),
      '@time': seconds.toFixed(3),
      testsuite: suites,
    },
  });
}

function suite(run: ReportRun) {
  const cases = run.outcome === 'pass' || run.outcome === 'fail' ? judged(run) : [unjudged(run)];
  const count = (kind: 'failure' | 'error' | 'skipped'): number =>
    cases.filter((one) => one[kind] !== undefined).length;
  const property = (name: string, value: string) => ({ '@name': name, '@value': cut(value) });
  return {
    '@name': run.scenario,
    '@tests': cases.length,
    '@failures': count('failure'),
    '@errors': count('error'),
    '@skipped': count('skipped'),
    '@time': run.durationSeconds.toFixed(3),
    properties: {
      property: [
        property('claim', run.claim),
        property('engine', run.engine),
        property('kernel', run.kernel),
        property('timeScale', String(run.timeScale)),
        ...(run.timeScale === 1 ? [] : [property('time', scaleText(run))]),
        ...(run.artifacts.directory === null ? [] : [property('evidence', run.artifacts.directory)]),
      ],
    },
    testcase: cases,
  };
}

function judged(run: ReportRun): TestCase[] {
  const causes = run.diagnosis.map(({ code, text, remedy }) => `${code}: ${text}\nRemedy: ${remedy}`);
  return run.expectations.map(({ text, held, why }) => ({
    ...named(run, text),
    ...(held
      ? {}
      : { failure: { '@message': cut(why), '#text': lines([`not: ${text} (${why})`, ...causes]) } }),
  }));
}

function unjudged(run: ReportRun): TestCase {
  const message = { '@message': cut(run.reason ?? '', MAX_TEXT) };
  const kind = run.outcome === 'skipped' ? { skipped: message } : { error: message };
  return { ...named(run, 'the scenario runs'), ...kind };
}

function named(run: ReportRun, text: string): Pick<TestCase, '@name' | '@classname'> {
  return { '@name': cut(text), '@classname': `ftp-firewall-lab.${run.scenario}` };
}

function lines(texts: readonly string[]): string {
  return texts.flatMap((text) => splitLines(text).map((line) => cut(line, MAX_TEXT))).join('\n');
}

import { SyntaxValidator } from 'fast-xml-validator';
import { forReport } from '../../src/report/for-report';
import { printable } from '../../src/report/escape';
import { junitReport } from '../../src/report/junit';
import { tableReport } from '../../src/report/table';
import { terminalReport } from '../../src/report/terminal';
import { transcript } from '../../src/report/transcript';
import { LineSplitter } from '../../src/agent/lines';
import { recorded } from '../catalogue';

// What a peer sends is hostile: bounded, and harmless on a terminal.

const HOSTILE =
  '220 \u001b]0;owned\u0007\u001b[2J\u0000\u202eevil\u2066\u009b31m\u200b\ufeff\uffff\r\n\ud800 ]]><!-- "&amp;';

test('control characters, escapes, bidi marks and NULs become visible', () => {
  expect(printable(HOSTILE)).toBe(
    '220 \\x1b]0;owned\\x07\\x1b[2J\\x00\\x202eevil\\x2066\\x9b31m\\x200b\\xfeff\\xffff\\x0d\\x0a\\xd800 ]]><!-- "&amp;',
  );
});

test('ordinary text of any language is left alone', () => {
  expect(printable('Grüße, 世界, ✔ “quoted”')).toBe('Grüße, 世界, ✔ “quoted”');
});

test('megabytes are cut', () => {
  expect(printable('x'.repeat(5_000_000)).length).toBeLessThan(400);
});

test('a line without end is cut while it is read', () => {
  const splitter = new LineSplitter(100);
  for (let n = 0; n < 1000; n += 1) expect(splitter.push('y'.repeat(1000))).toEqual([]);
  const [line, next] = splitter.push('\r\nnext\n');
  expect(line).toBe(`${'y'.repeat(100)}…[cut]`);
  expect(next).toBe('next');
});

test('no report of a run passes hostile bytes on', async () => {
  const all = await recorded(['active-nat']);
  const text = JSON.stringify(all[0]);
  const plain = (value: string): string => value;
  const style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };
  const replaced = JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('The given address is not yours', HOSTILE) : value,
  ) as (typeof all)[0];
  expect(JSON.stringify(replaced)).toContain('owned');
  // As a run that failed for that reason, and one that was not judged for it.
  const failed = {
    ...replaced,
    outcome: 'fail' as const,
    reason: HOSTILE,
    expectations: replaced.expectations.map((one) => ({ ...one, held: false, why: HOSTILE })),
  };
  const unjudged = { ...failed, outcome: 'infra-error' as const };
  const junit = junitReport([failed, unjudged].map(forReport));
  expect(SyntaxValidator.validate(junit)).toBe(true);
  expect(junit).not.toContain('<!--');
  const drawn = [
    ...[replaced, failed, unjudged].map((run) => terminalReport(forReport(run), style)),
    transcript(forReport(replaced)),
    tableReport([failed, unjudged].map(forReport), style),
    junit,
  ];
  for (const report of drawn) {
    expect(report).toContain('owned');
    expect(report.replaceAll('\n', '')).toBe(
      report
        .replaceAll('\n', '')
        .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '?'),
    );
  }
});

import { annotations } from '../../src/report/annotations';
import { printable } from '../../src/report/escape';
import { forReport, type ReportRun } from '../../src/report/for-report';
import { htmlIndex, htmlReport } from '../../src/report/html';
import { junitReport } from '../../src/report/junit';
import { ladderSvg, ladderText } from '../../src/report/ladder';
import { markdownReport } from '../../src/report/markdown';
import { packetComments } from '../../src/report/packet-comments';
import { claimReport, scoreboardReport } from '../../src/report/scoreboard';
import { PLAIN } from '../../src/report/style';
import { tableReport } from '../../src/report/table';
import { terminalReport } from '../../src/report/terminal';
import { transcript } from '../../src/report/transcript';
import type { RunResult } from '../../src/verdict/run-result';
import { scoreboard } from '../../src/verdict/scoreboard';

const drawn = {
  terminal: (run) => terminalReport(run, PLAIN),
  table: (run) => tableReport([run], PLAIN),
  transcript,
  ladder: (run) => ladderText(run, { width: 100, style: PLAIN }).join('\n'),
  SVG: ladderSvg,
  HTML: htmlReport,
  'HTML index': (run) => htmlIndex([run], () => 'run.html'),
  Markdown: (run) => markdownReport([run]),
  JUnit: (run) => junitReport([run]),
  annotations: (run) => annotations([run], () => ({ file: printable('a.yaml'), line: 1 })).join('\n'),
  'capture comments': (run) => [...packetComments(run).values()].join('\n'),
} satisfies Record<string, (run: ReportRun) => string>;

const judged = (run: RunResult) =>
  scoreboard(
    run.claims.map(({ id }) => id),
    [run],
  );

type Format = keyof typeof drawn | 'scoreboard' | 'claims';

/** Every text that is drawn from a result, but for the JSON document. */
export const EVERY_REPORT: Readonly<Record<Format, (run: RunResult) => string>> = {
  ...(Object.fromEntries(
    Object.entries(drawn).map(([format, draw]) => [format, (run: RunResult) => draw(forReport(run))]),
  ) as Record<keyof typeof drawn, (run: RunResult) => string>),
  scoreboard: (run) => scoreboardReport(forReport(judged(run)), PLAIN),
  claims: (run) =>
    forReport(judged(run))
      .map((claim) => claimReport(claim, PLAIN))
      .join(''),
};

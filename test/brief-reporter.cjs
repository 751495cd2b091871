// Jest's own reporter, but what failed fits a screen: one cause that takes a whole file down is told once, and
// of a difference that goes on for thousands of lines its beginning and its end are shown.
const { DefaultReporter } = require('@jest/reporters');

const MOST_LINES = 40;
const MOST_COLUMNS = 400;
const MOST_CAUSES = 10;

/** Where in Jest or Node a failure passed through is nobody's concern. */
const ELSEWHERE = /^\s+at .*(?:\/node_modules\/|node:internal)/;

/** The first lines of a text and its last ones; what is left out is counted. */
function brief(text) {
  const lines = text
    .split('\n')
    .filter((line) => !ELSEWHERE.test(line))
    .map((line) => (line.length > MOST_COLUMNS ? `${line.slice(0, MOST_COLUMNS)}…` : line));
  if (lines.length <= MOST_LINES) return lines.join('\n');
  const tail = Math.floor(MOST_LINES / 4);
  const left = lines.length - MOST_LINES;
  return [...lines.slice(0, MOST_LINES - tail), `    … ${left} more lines …`, ...lines.slice(-tail)].join(
    '\n',
  );
}

/** What failed in a file: each cause once, with the names of all tests that it took. */
function failures(testResults) {
  const causes = new Map();
  for (const { fullName, status, failureMessages } of testResults) {
    if (status !== 'failed') continue;
    const cause = failureMessages.join('\n');
    causes.set(cause, [...(causes.get(cause) ?? []), fullName]);
  }
  const told = [...causes].slice(0, MOST_CAUSES).map(([cause, [first, ...others]]) => {
    const also = others.length === 0 ? '' : `\n    and so did ${others.length} more of this file`;
    return `  ● ${first}\n\n${brief(cause).replace(/^/gm, '    ')}${also}\n`;
  });
  const left = causes.size - told.length;
  return [...told, ...(left > 0 ? [`  ● … and ${left} more causes in this file\n`] : [])].join('\n');
}

class BriefReporter extends DefaultReporter {
  printTestFileFailureMessage(_path, _config, { failureMessage, testResults, testExecError }) {
    if (!failureMessage) return;
    // A file that could not be run has no tests to tell of.
    this.log(testExecError ? brief(failureMessage) : failures(testResults));
  }
}

module.exports = BriefReporter;

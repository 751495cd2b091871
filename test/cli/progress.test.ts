import { batchText, secondsLeft, type BatchState } from '../../src/cli/batch-progress';
import { LAB, lab, run, scenarioWith, scratch } from '../support';

// How far a batch is, and how long it still takes: on a terminal one line that changes, elsewhere lines.

const CLEAR_LINE = '\r\u001b[K';

function state(change: Partial<BatchState>): BatchState {
  return { done: 40, failed: 0, total: 100, lastEnd: 20, now: 20, ...change };
}

describe('the time left', () => {
  test.each([
    ['as long for each as for those done', {}, 30],
    ['less by what has passed since the last one ended', { now: 24 }, 26],
    ['nothing is said of it while too few have ended', { done: 2, lastEnd: 1, now: 1 }, null],
    ['with three it is', { done: 3, lastEnd: 3, now: 3 }, 97],
    ['nothing is said of it once it takes longer than that', { now: 50 }, null],
    ['nor when all are done', { done: 100 }, null],
  ])('%s', (_what, change, seconds) => {
    expect(secondsLeft(state(change))).toBe(seconds);
  });

  test.each([
    [{}, '40 of 100 done, about 30 s left'],
    [{ failed: 1 }, '40 of 100 done, 1 failed, about 30 s left'],
    [{ done: 2, failed: 2 }, '2 of 100 done, 2 failed'],
    [{ done: 99, lastEnd: 20, now: 20 }, '99 of 100 done, about 1 s left'],
    [{ lastEnd: 39.4, now: 39.4 }, '40 of 100 done, about 1 min left'],
    [{ lastEnd: 80, now: 80 }, '40 of 100 done, about 2 min left'],
    [{ done: 100 }, '100 of 100 done'],
  ])('%j reads “%s”', (change, text) => {
    expect(batchText(state(change))).toBe(text);
  });
});

/** Five scenarios, the second of which fails. */
function five(): readonly string[] {
  const failing = scenarioWith([['download is complete', 'download is blocked']], scratch());
  return ['passive-nat', failing, 'active-nat', 'routed', 'active-nat-helper'];
}

describe('on a terminal', () => {
  /** What the lab draws on a terminal of so many columns, each state of its line. script(1) is the terminal. */
  async function drawn(args: readonly string[], columns = 120): Promise<readonly string[]> {
    const command = [process.execPath, LAB, ...args].join(' ');
    const { stdout } = await run([
      'script',
      '-qec',
      `stty cols ${columns}; env TERM=xterm ${command}`,
      '/dev/null',
    ]);
    const [, ...states] = stdout.split(CLEAR_LINE);
    // After the last one comes the report.
    return states.slice(0, -1);
  }

  test('a batch tells how many are done, have failed, and how long is left, then what is done', async () => {
    const lines = await drawn(['run', '--jobs', '1', ...five()]);
    expect(lines[0]).toBe('… 0 of 5 done; passive-nat: logging in');
    expect(lines).toContain('… 1 of 5 done; case: passive download of 64 KiB');
    expect(lines).toContain('… 2 of 5 done, 1 failed; active-nat: logging in');
    expect(lines.join('\n')).toMatch(/^… 3 of 5 done, 1 failed, about \d+ s left$/m);
    expect(lines.join('\n')).toMatch(/^… 3 of 5 done, 1 failed(?:, about \d+ s left)?; routed: logging in$/m);
    expect(lines.at(-1)).toBe('… 5 of 5 done, 1 failed');
  });

  test('what the line says is of runs under way', async () => {
    const lines = await drawn(['run', '--jobs', '2', ...five()]);
    const ends = lines.findIndex((line) => line.startsWith('… 5 of 5'));
    expect(lines.slice(ends)).toEqual(['… 5 of 5 done, 1 failed']);
  });

  test('it never takes a second line', async () => {
    const lines = await drawn(['run', '--jobs', '1', 'passive-nat', 'routed'], 30);
    expect(lines).toContain('… 0 of 2 done; passive-nat: p');
    for (const line of lines) expect(line.length).toBeLessThan(30);
  });

  test('the FAQ’s scenarios are a batch too; a single one is not, and -q hides it all', async () => {
    expect((await drawn(['faq', 'C19'])).join('\n')).toMatch(/^… \d of \d done; /m);
    expect((await drawn(['passive-nat'])).join('\n')).not.toContain(' of 1 done');
    expect(await drawn(['run', '-q', 'passive-nat', 'routed'])).toEqual([]);
  });
});

describe('off a terminal', () => {
  const ends = (stderr: string): string[] => stderr.split('\n').filter((line) => line.includes(' of '));

  test('each end of a run of several is a line of its own, beside those of what it does', async () => {
    const failing = scenarioWith([['download is complete', 'download is blocked']], scratch());
    const { stderr } = await lab(['run', '--jobs', '1', 'active-nat', failing]);
    expect(stderr).toBe(
      [
        'active-nat: logging in',
        'active-nat: active download of 1 MiB',
        'active-nat: collecting what was seen',
        'active-nat: pass (1 of 2)',
        'case: logging in',
        'case: passive download of 64 KiB',
        'case: collecting what was seen',
        'case: fail (2 of 2)',
        '',
      ].join('\n'),
    );
  });

  test('a single run has none, and -q hides them', async () => {
    expect(ends((await lab(['active-nat'])).stderr)).toEqual(['active-nat: active download of 1 MiB']);
    expect((await lab(['run', '-q', 'active-nat', 'routed'])).stderr).toBe('');
  });
});

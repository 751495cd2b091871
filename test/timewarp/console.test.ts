import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describeTimewarp, startMachine } from './kernel';

// The lab's only line to its worker is a console of the machine. User Mode Linux's own goes deaf once more was
// said at once than its reader had read (lab/timewarp/hear-after-throttle.patch).

/** For every line it hears it says how long it was, and a line of as many letters as that asked for. */
const ECHO = `
  const { writeSync } = require('fs');
  const say = (text) => {
    const bytes = Buffer.from(text + '\\n');
    for (let done = 0; done < bytes.length;) done += writeSync(1, bytes, done);
  };
  require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    say(line.length + ' ' + 'y'.repeat(Number(line.split(' ')[0])));
  });
  say('ready');`;

describeTimewarp('the console', (kernel) => {
  let machine: ChildProcess | undefined;
  // A deaf one is not waited for, and must not outlive its test.
  afterEach(() => machine?.kill('SIGKILL'));

  test('a machine hears what it is told after however much, and says as much', async () => {
    const { stdin, stdout } = (machine = startMachine(kernel(), ECHO));
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    expect(await next()).toBe('ready');
    // Said and heard, in letters: below and above what a terminal holds (4 KiB), and its buffer (64 KiB).
    for (const [said, heard] of [
      [10, 1],
      [20_000, 1],
      [10, 3],
      [300_000, 1_000_000],
      [3_000, 10],
      [5_000, 100_000],
      [10, 1],
    ] as const) {
      stdin.write(`${`${heard} `.padEnd(said, 'x')}\n`);
      expect(await next()).toBe(`${said} ${'y'.repeat(heard)}`);
    }
  });
});

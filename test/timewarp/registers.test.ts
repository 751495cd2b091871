import { describeTimewarp, firstLine } from './kernel';

// The machine's kernel carries floating point registers only when they have changed
// (lab/timewarp/keep-registers.patch): programs that take turns must not see each other's.

/** Sums with a system call between any two steps, which is where programs and threads take turns. */
const SUM = `(seed) => {
  let sum = 0;
  for (let n = 1; n <= 3000; n += 1) {
    sum = sum * 0.999 + Math.sqrt(seed + n) / 3;
    require('fs').existsSync('/proc');
  }
  return sum;
}`;

const PROGRAM = `
  const { Worker } = require('worker_threads');
  const { spawn } = require('child_process');
  const sum = ${SUM};
  const thread = (seed) => new Promise((resolve) => {
    const source = "require('worker_threads').parentPort.postMessage((" + sum + ")(" + seed + "))";
    new Worker(source, { eval: true }).once('message', resolve);
  });
  const child = (seed) => new Promise((resolve) => {
    let said = '';
    const program = spawn(process.execPath, ['-e', 'console.log((' + sum + ')(' + seed + '))']);
    program.stdout.on('data', (data) => (said += data));
    program.once('close', () => resolve(Number(said)));
  });
  Promise.all([thread(1), child(2), thread(3), child(4)]).then((sums) => {
    require('fs').writeSync(1, JSON.stringify(sums) + '\\n');
  });`;

describeTimewarp('programs that take turns in a machine', (kernel) => {
  test('calculate what they would elsewhere', async () => {
    const line = await firstLine(kernel(), PROGRAM);
    const expected = [1, 2, 3, 4].map((seed) => {
      let sum = 0;
      for (let n = 1; n <= 3000; n += 1) sum = sum * 0.999 + Math.sqrt(seed + n) / 3;
      return sum;
    });
    expect(JSON.parse(line)).toEqual(expected);
  });
});

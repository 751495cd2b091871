import { buildSync } from 'esbuild';
import { ROOT } from '../support';
import { describeTimewarp, firstLine } from './kernel';

// In a machine a look at the clock is dear and computing takes no time, so programs find the wall clock's
// microseconds in another way than elsewhere (src/agent/clock.ts). Order of events depends on it.

/** Reads both over some ticks of the wall clock; says how far, in milliseconds, its own got from before and after. */
const PROGRAM = `
  import { now } from './src/agent/clock';
  now();
  const until = Date.now() + 4;
  let [ahead, behind, after] = [0, 0, 0];
  while (after < until) {
    const before = Date.now();
    const own = now() * 1000;
    after = Date.now();
    behind = Math.max(behind, before - own);
    ahead = Math.max(ahead, own - (after + 1));
  }
  require('fs').writeSync(1, JSON.stringify({ ahead, behind }) + '\\n');`;

describeTimewarp('the clock of programs in a machine', (kernel) => {
  test('shows the wall clock’s milliseconds, and what is between them', async () => {
    const stdin = { contents: PROGRAM, resolveDir: ROOT, loader: 'ts' as const };
    const built = buildSync({ stdin, bundle: true, write: false, platform: 'node', format: 'cjs' });
    const line = await firstLine(kernel(), built.outputFiles[0]?.text ?? '');
    const { ahead, behind } = JSON.parse(line) as { ahead: number; behind: number };
    expect(ahead).toBeLessThan(0.01);
    expect(behind).toBeLessThan(0.01);
  });
});

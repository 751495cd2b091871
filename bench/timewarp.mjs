import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The time-travel engine's figures, and where the time goes; none where its kernel is not built. */
export async function timewarpFigures({
  ROOT,
  LAB,
  PAIRS,
  scratch,
  repeat,
  seconds,
  spread,
  figure,
  once,
  tell,
}) {
  const { buildSync } = await import('esbuild');
  const bundle = join(scratch, 'machine.cjs');
  const contents = `export { bootCommand } from './src/engine/timewarp/machine';
    export { sandboxCommand } from './src/engine/netns/sandbox';
    export { takeProcessor } from './src/engine/timewarp/processors';
    export { builtKernels, findKernel } from './src/engine/timewarp/kernels';`;
  const entry = { contents, resolveDir: ROOT, loader: 'ts' };
  buildSync({ stdin: entry, outfile: bundle, bundle: true, platform: 'node', format: 'cjs' });
  const { bootCommand, builtKernels, findKernel, sandboxCommand, takeProcessor } = createRequire(
    import.meta.url,
  )(bundle);
  if (builtKernels().length === 0) return [];
  /** Seconds from the start of a machine until what runs in it says something. */
  const untilSaid = (init, worker) =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const processor = takeProcessor();
      const files = { init: join(ROOT, 'dist', init), worker };
      const argv = sandboxCommand(bootCommand(findKernel(null), files, processor.number));
      const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
      child.stdout.once('data', () => {
        resolve((performance.now() - began) / 1000);
        child.kill('SIGKILL');
      });
      child.once('close', () => processor.release());
      child.once('close', () => reject(new Error('the machine said nothing')));
    });
  const node = (starts) => {
    const worker = join(scratch, `starts-${starts}.cjs`);
    const start = `require('child_process').execFileSync(process.execPath, ['-e', '0']);`;
    writeFileSync(worker, `${start.repeat(starts)} require('fs').writeSync(1, 'done\\n');`);
    return () => untilSaid('timewarp-init.sh', worker);
  };
  const [none, three] = [await repeat(PAIRS, node(0)), await repeat(PAIRS, node(3))];
  const warp = (name) => [process.execPath, LAB, '-q', name, '--engine', 'timewarp'];
  const time = [process.execPath, LAB, 'run', '-q', '--tag', 'time'];
  return [
    await figure('the machine boots and sleeps 900 s', 's', undefined, () =>
      untilSaid('timewarp-probe.sh', 'none'),
    ),
    tell({
      name: 'a start of Node in it',
      unit: 's',
      ...spread([(three.median - none.median) / 3]),
      runs: PAIRS,
    }),
    await figure('passive-nat --engine timewarp: nothing waits', 's', undefined, () =>
      seconds(warp('passive-nat')),
    ),
    await figure('time-16m --engine timewarp', 's', 5, () => seconds(warp('time-16m'))),
    await figure('time-7200-130m --engine timewarp', 's', 8, () => seconds(warp('time-7200-130m'))),
    await once('all scenarios of time (--tag time), scaled', 90, time),
    await once('the same, --engine timewarp', 90, [...time, '--engine', 'timewarp', '--jobs', '2']),
  ];
}

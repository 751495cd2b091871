import { probeCapabilities } from '../engine/netns/capabilities';
import { EXIT } from './exit-codes';
import { Progress, style } from './terminal';

/** `lab doctor`: tries everything a run needs, in scratch namespaces. */
export async function doctorCommand(flags: { json?: true }): Promise<number> {
  const progress = new Progress(process.stderr, flags.json ?? false);
  if (process.stderr.isTTY) progress.show('trying each capability in a scratch namespace');
  const capabilities = await probeCapabilities();
  progress.clear();
  const missing = capabilities.filter(({ works }) => !works);
  const usable = missing.length === 0;
  const engines = [
    {
      name: 'netns',
      usable,
      why: usable ? 'every capability works' : `missing: ${missing.map(({ name }) => name).join(', ')}`,
    },
  ];
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ capabilities, engines }, null, 2)}\n`);
  } else {
    const look = style(process.stdout);
    const width = Math.max(...capabilities.map(({ name }) => name.length));
    for (const { name, works, why, remedy } of capabilities) {
      process.stdout.write(
        `${works ? look.green('✔') : look.red('✘')} ${name.padEnd(width)}  ${look.dim(why)}\n`,
      );
      if (!works) process.stdout.write(`    → ${remedy}\n`);
    }
    process.stdout.write(`\nEngine netns: ${usable ? look.green('usable') : look.red('not usable')}\n`);
  }
  return usable ? EXIT.held : EXIT.cannotRun;
}

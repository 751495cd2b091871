import { ENGINES } from '../engines';
import type { Capability } from '../engine/host';
import { ENGINE_NAMES, type EngineName } from '../plan/plan';
import { jsonText } from '../report/json';
import { EXIT } from './exit-codes';
import { readable } from './print';
import { Progress, style } from './terminal';

interface Examined {
  readonly name: EngineName;
  readonly usable: boolean;
  readonly why: string;
  readonly capabilities: readonly Capability[];
}

/** `lab doctor`: tries everything a run needs, in scratch namespaces and containers. */
export async function doctorCommand(flags: { json?: true }): Promise<number> {
  const progress = new Progress(process.stderr, flags.json ?? false);
  if (process.stderr.isTTY) progress.show('trying each capability in scratch namespaces and containers');
  const engines = await Promise.all(ENGINE_NAMES.map(examine));
  progress.clear();
  if (flags.json) {
    const capabilities = engines.flatMap((engine) =>
      engine.capabilities.map((capability) => ({ engine: engine.name, ...capability })),
    );
    const summary = engines.map(({ name, usable, why }) => ({ name, usable, why }));
    process.stdout.write(jsonText({ capabilities, engines: summary }));
  } else {
    process.stdout.write(engines.map(describe).join('\n'));
  }
  return engines.some(({ usable }) => usable) ? EXIT.held : EXIT.cannotRun;
}

async function examine(name: EngineName): Promise<Examined> {
  const capabilities = await ENGINES[name].probe();
  const missing = capabilities.filter(({ works, optional }) => !works && optional !== true);
  const usable = missing.length === 0;
  const why = usable ? 'every capability works' : `missing: ${missing.map((one) => one.name).join(', ')}`;
  return { name, usable, why, capabilities };
}

function describe({ name, usable, why, capabilities }: Examined): string {
  const look = style(process.stdout);
  const width = Math.max(...capabilities.map((capability) => capability.name.length));
  const lines = capabilities.flatMap((capability) => {
    const sign = capability.works ? look.green('✔') : capability.optional ? look.dim('–') : look.red('✘');
    return [
      `  ${sign} ${capability.name.padEnd(width)}  ${look.dim(readable(capability.why))}`,
      ...(capability.works || capability.optional ? [] : [`      → ${readable(capability.remedy)}`]),
    ];
  });
  const verdict = usable ? look.green('usable') : `${look.red('not usable')}, ${why}`;
  return [`${look.bold(`Engine ${name}`)}: ${verdict}`, ...lines, ''].join('\n');
}

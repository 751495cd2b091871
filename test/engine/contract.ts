import { buildSync } from 'esbuild';
import { join } from 'node:path';
import { CASES } from './contract-cases';
import { caseResults, ROOT, run, scratch } from '../support';
import type { EngineName } from '../../src/plan/plan';

/** The contract suite as tests, for one engine. `command` says how a program is run where the engine's hosts can be made. */
export function contract(
  engine: EngineName,
  command: (argv: readonly string[]) => readonly string[],
  /** everything of the engine's that a lab could leave behind */
  remains: () => Promise<unknown>,
  /** a folder that is there, too */
  folder: () => string = scratch,
): void {
  let results: Map<string, string | null>;
  let before: unknown;
  let program: string;
  beforeAll(async () => {
    before = await remains();
    program = join(folder(), 'contract.js');
    buildSync({
      entryPoints: [join(__dirname, 'contract-program.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      external: ['./docker-libraries.js'],
      banner: {
        js: `const __libraries = require; require = (id) => __libraries(id === './docker-libraries.js' ? ${JSON.stringify(join(ROOT, 'dist/docker-libraries.js'))} : id);`,
      },
    });
    results = caseResults(await run(command([process.execPath, program, engine, ROOT])));
  });

  test.each(Object.keys(CASES))('%s', (name) => {
    expect(results.get(name)).toBeNull();
  });

  test('nothing is left of a lab that was taken down', async () => {
    expect(await remains()).toEqual(before);
  });

  test('nothing is left of a lab that failed half-way through its start', async () => {
    const { code, stderr } = await run(command([process.execPath, program, engine, ROOT, 'broken']));
    expect(stderr).toMatch(/LabFailure: can't (?:make the namespaces|wire the hosts): .*Command failed/s);
    expect(code).toBe(1);
    expect(await remains()).toEqual(before);
  });
}

import { buildSync } from 'esbuild';
import { join } from 'node:path';
import { CASES } from './contract-cases';
import { ROOT, run, scratch } from '../support';
import type { EngineName } from '../../src/plan/plan';

/** The contract suite as tests, for one engine. `command` says how a program is run where the engine's hosts can be made. */
export function contract(
  engine: EngineName,
  command: (argv: readonly string[]) => readonly string[],
  /** everything of the engine's that a lab could leave behind */
  remains: () => Promise<unknown>,
): void {
  let results: Map<string, string | null>;
  let before: unknown;
  let program: string;
  beforeAll(async () => {
    before = await remains();
    program = join(scratch(), 'contract.js');
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
    const { stdout, stderr } = await run(command([process.execPath, program, engine, ROOT]));
    const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
    results = new Map(
      lines.map((line) => {
        const { name, error } = JSON.parse(line) as { name: string; error: string | null };
        return [name, error];
      }),
    );
    // Whoever ends half-way through has said why.
    const unanswered = Object.keys(CASES).filter((name) => !results.has(name));
    if (unanswered.length > 0) throw new Error(`the program ended before “${unanswered[0]}”: ${stderr}`);
  }, 180_000);

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

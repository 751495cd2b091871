import { buildSync } from 'esbuild';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxCommand } from '../../src/engine/netns/sandbox';
import { caseResults, ordinaryUser, ROOT, run, scratch } from '../support';
import { CASES } from './edge-cases';

// The router on real interfaces: what is typed on its host, what its kernel must not do, and hostile frames.

let results: Map<string, string | null>;

/** The program and all bundles beside it, as a lab's worker has them. */
function program(): string {
  const directory = scratch();
  cpSync(join(ROOT, 'dist'), directory, { recursive: true });
  for (const name of ['edge-program', 'frame-sender']) {
    buildSync({
      entryPoints: [join(__dirname, `${name}.ts`)],
      outfile: join(directory, `${name}.js`),
      ...{ bundle: true, platform: 'node', target: 'node20', format: 'cjs' },
    });
  }
  return join(directory, 'edge-program.js');
}

beforeAll(async () => {
  results = caseResults(await run(sandboxCommand([process.execPath, program(), ROOT])));
});

test.each(Object.keys(CASES))('%s', (name) => {
  expect(results.get(name)).toBeNull();
});

test('an ordinary user runs it as well', async () => {
  const { prefix, labCopy, cwd } = ordinaryUser();
  const { code, stdout, stderr } = await run(
    [...prefix, process.execPath, labCopy, 'masq-module-active'],
    cwd,
  );
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('PASS');
});

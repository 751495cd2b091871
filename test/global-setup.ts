import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes the folder that test files share, finds out, once, whether the Docker tests can run, and has the
 * images built that they need.
 */
export default function setup(): void {
  process.env['LAB_TEST_SHARED'] = mkdtempSync(join(tmpdir(), 'lab-test-'));
  const lab = join(__dirname, '..', 'dist', 'lab.js');
  const { status, stderr } = spawnSync(process.execPath, [lab, 'images', '--quiet'], { encoding: 'utf8' });
  if (status === 0) return;
  const why = stderr.split('\n')[0] ?? 'the images cannot be built';
  process.env['LAB_TEST_NO_DOCKER'] = why;
  process.stderr.write(`The Docker tests are skipped: ${why}\n`);
}

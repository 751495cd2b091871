import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes the folder of the record that test files share (test/catalogue.ts), and has the workers find the system
 * tools, which are not in an ordinary user's PATH: what a test sets in its own environment, programs that the
 * lab's code starts in its process do not get.
 */
export default function setup(): void {
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  process.env['LAB_TEST_RECORD'] = mkdtempSync(join(tmpdir(), 'lab-test-'));
}

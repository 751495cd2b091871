import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes the folder of the record that test files share (test/catalogue.ts). */
export default function setup(): void {
  process.env['LAB_TEST_RECORD'] = mkdtempSync(join(tmpdir(), 'lab-test-'));
}

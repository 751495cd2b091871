import { rmSync } from 'node:fs';

/** Removes the record that the test files shared. */
export default function teardown(): void {
  rmSync(process.env['LAB_TEST_RECORD'] ?? '', { recursive: true, force: true });
}

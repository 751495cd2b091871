import { rmSync } from 'node:fs';

export default function teardown(): void {
  rmSync(process.env['LAB_TEST_SHARED'] ?? '', { recursive: true, force: true });
}

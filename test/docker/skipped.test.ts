import { spawn } from 'node:child_process';
import { finished, ROOT } from '../support';

test('where there is no engine the Docker tests say that they were skipped, and why', async () => {
  const env = { ...process.env, DOCKER_HOST: 'unix:///no/such.sock' };
  const jest = ['node_modules/jest/bin/jest.js', '--json', 'test/docker/contract.test.ts'];
  const { code, stdout, stderr } = await finished(
    spawn(process.execPath, jest, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  expect(stderr).toContain(
    'The Docker tests are skipped: nothing could run here: no container engine found: nothing at unix:///no/such.sock',
  );
  const report = JSON.parse(stdout) as { numPassedTests: number; numPendingTests: number };
  expect(report.numPassedTests).toBe(0);
  expect(report.numPendingTests).toBeGreaterThan(15);
  expect(code).toBe(0);
});

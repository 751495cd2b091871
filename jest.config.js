/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '\\.ts$': '<rootDir>/lab/jest-transform.cjs' },
  // Runs of the lab take processors of their own; more test files at once only slow each other down.
  maxWorkers: 2,
  testTimeout: 60_000,
};

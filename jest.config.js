/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  setupFiles: ['<rootDir>/test/fixed-seed.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {
    '\\.tsx?$': '<rootDir>/lab/jest-transform.cjs',
    // preact comes as ES modules only, which Jest does not read by itself.
    '/node_modules/preact/.*\\.mjs$': '<rootDir>/lab/jest-transform.cjs',
  },
  transformIgnorePatterns: ['/node_modules/(?!preact/)'],
  // One at a time: some tests compare the whole machine before and after, and a run of the lab keeps
  // two processors busy by itself.
  maxWorkers: 1,
  testTimeout: 120_000,
};

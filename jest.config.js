/** What both kinds of tests have in common. */
const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  setupFiles: ['<rootDir>/test/seed.ts'],
  transform: {
    '\\.tsx?$': '<rootDir>/lab/jest-transform.cjs',
    // preact comes as ES modules only, which Jest does not read by itself.
    '/node_modules/preact/.*\\.mjs$': '<rootDir>/lab/jest-transform.cjs',
  },
  transformIgnorePatterns: ['/node_modules/(?!preact/)'],
};

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    {
      ...common,
      displayName: 'netns',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['<rootDir>/test/docker/'],
      globalSetup: '<rootDir>/test/global-setup.ts',
      globalTeardown: '<rootDir>/test/global-teardown.ts',
    },
    {
      ...common,
      displayName: 'docker',
      testMatch: ['<rootDir>/test/docker/*.test.ts'],
      globalSetup: '<rootDir>/test/docker/global-setup.ts',
      runner: '<rootDir>/test/serial-runner.cjs',
    },
  ],
  testSequencer: '<rootDir>/test/sequencer.cjs',
  reporters: ['<rootDir>/test/brief-reporter.cjs', ['summary', { summaryThreshold: Infinity }]],
  // Three on two processors, for many wait. Tests that compare the machine before and after have one of their
  // own (test/box.ts).
  maxWorkers: 3,
  // The last resort against a test that hangs. Programs are watched by their silence (test/support.ts), for
  // how long they take is the machine's affair.
  testTimeout: 30 * 60_000,
};

const usual = require('./jest.config.js');

// Minutes that are minutes: not part of the suite, but of a night.
const [netns] = usual.projects;
/** @type {import('jest').Config} */
module.exports = {
  ...usual,
  projects: [{ ...netns, displayName: 'real time', testMatch: ['<rootDir>/test/real-time/**/*.real.ts'] }],
};

const usual = require('./jest.config.js');

// Minutes that are minutes: not part of the suite, but of a night.
/** @type {import('jest').Config} */
module.exports = { ...usual, testMatch: ['<rootDir>/test/real-time/**/*.real.ts'] };

const base = require('../../jest.config.js');

/** @type {import('jest').Config} Flows on a real node, which `main.ts` starts once for all of them. */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/node/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // every test waits for several pods on a machine that may be busy
  testTimeout: 900_000,
  maxWorkers: 1,
};

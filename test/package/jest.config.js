const base = require('../../jest.config.js');

/** @type {import('jest').Config} What users get: the package from the registry's point of view, and the image. */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/package/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 900_000,
};

const { randomInt } = require('node:crypto');

/** Test processes inherit the seed; the reporter prints it. */
process.env.KFLOW_SEED ??= String(randomInt(1_000_000));

// Node can require these ES modules, and import in a module that is none; jest on this Node cannot.
const esModules = '@opentelemetry/otlp-exporter-base|jose|content-disposition|cookie|hyparquet|hyparquet-writer';

/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/package/',
    '<rootDir>/test/kubernetes/',
    '<rootDir>/test/node/',
  ],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
    [`/node_modules/(${esModules})/.+\\.js$`]: ['@swc/jest', { jsc: { target: 'es2022' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  moduleNameMapper: {
    '^kflow$': '<rootDir>/lib/index.ts',
    '^kflow/constructs$': '<rootDir>/lib/constructs/index.ts',
    '^kflow/tasks$': '<rootDir>/runtime/operations/index.ts',
  },
  resolver: '<rootDir>/test/support/jest/resolver.js',
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  testEnvironment: '<rootDir>/test/support/jest/test-environment.js',
  reporters: ['default', '<rootDir>/test/support/jest/run-reporter.js'],
  // A guard against hangs, above the limit of several waits: a wait that fails says what for.
  testTimeout: 300_000,
  maxWorkers: 2,
};

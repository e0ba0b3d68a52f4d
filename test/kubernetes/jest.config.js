const base = require('../../jest.config.js');

const [, typescript] = Object.values(base.transform)[0];

/** @type {import('jest').Config} Tests on a real API server, which is started once for all of them. */
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/kubernetes/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // The client and its libraries are ES modules only.
  transform: { ...base.transform, '^.+\\.js$': ['@swc/jest', { jsc: { target: typescript.jsc.target } }] },
  transformIgnorePatterns: [
    'node_modules/(?!(@kubernetes/client-node|openid-client|oauth4webapi|jose|content-disposition|cookie)/)',
  ],
  globalSetup: '<rootDir>/test/kubernetes/global-setup.ts',
  globalTeardown: '<rootDir>/test/kubernetes/global-teardown.ts',
};

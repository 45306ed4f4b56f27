export { eventually } from './eventually';
export { fakeClock, testLogger, testMetrics, type FakeClock, type LogLine, type TestLogger } from './observers';
export { testDatabase, type TestDatabase } from './test-database';

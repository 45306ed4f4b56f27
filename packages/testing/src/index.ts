export {
  acceptedAmountTokens,
  arbitraries,
  malformedAmountTokens,
  refusedAmountTokens,
  tokensBeyondScale,
  type AmountToken,
} from './amounts';
export { checkBooks, expectBooksBalance, type BooksReport, type BooksSource } from './books';
export type { BooksRule, Violation } from './books-journal';
export { eventually } from './eventually';
export { fakeClock, testLogger, testMetrics, type FakeClock, type LogLine, type TestLogger } from './observers';
export { testDatabase, type TestDatabase } from './test-database';

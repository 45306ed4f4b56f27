export {
  acceptedAmounts,
  acceptedAmountTokens,
  arbitraries,
  malformedAmountTokens,
  refusedAmountTokens,
  tokensBeyondScale,
} from './amounts';
export { checkBooks, expectBooksBalance, type BooksPools, type BooksReport, type BooksSource } from './books';
export type { BooksRule, Violation } from './books-fold';
export { eventually } from './eventually';
export { kafkaForTests, kafkaIsPossible, type TestKafka } from './kafka';
export { kafkaAdmin, type KafkaAdmin } from './kafka-admin';
export { emptyBroker } from './empty-broker';
export {
  formatJvmBroker,
  jvmKafkaIsPossible,
  runJvmBroker,
  stopJvmBroker,
  type BrokerAddresses,
  type BrokerDoor,
} from './kafka-on-jvm';
export type { KafkaProxy } from './kafka-proxy';
export { ownBroker, type OwnBroker } from './own-broker';
export { fakeClock, testLogger, testMetrics, type FakeClock, type LogLine, type TestLogger } from './observers';
export { swallowingWay, type SwallowingWay } from './swallowing-way';
export { testDatabase, type TestDatabase } from './test-database';
export { seededRandom, type SeededRandom } from './simulation/seeded-random';
export { simulatedStore, type SimulatedStore, type StoreFaults } from './simulation/simulated-event-store';
export { runWorld, type Run, type SimulatedProcess, type World } from './simulation/world';
export { simulatedBus, type BusFaults, type SimulatedBus } from './simulation/simulated-bus';
export { solanaNode, type SolanaNode } from './solana/solana-node';
export { tronNode, type Mined, type TronInfoJson, type TronNode, type TronTransactionJson } from './tron/tron-node';
export { simulatedBroker, type BrokerFaults, type SimulatedBroker } from './simulation/simulated-broker';
export { simulatedDatabase, type SimulatedDatabase, type SimulatedRows } from './simulation/simulated-database';
export { simulatedNetwork, type CallFaults, type SimulatedNetwork } from './simulation/simulated-network';
export { simulatedCheckpoints, simulatedConsumerTables, type ParkedRow } from './simulation/simulated-tables';

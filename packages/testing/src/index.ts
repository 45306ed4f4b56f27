export {
  acceptedAmounts,
  acceptedAmountTokens,
  malformedAmountTokens,
  refusedAmountTokens,
  tokensBeyondScale,
} from './amounts';
export { checkBooks, expectBooksBalance, type BooksSource } from './books';
export type { Violation } from './books-fold';
export { eventually } from './eventually';
export { gate } from './gate';
export { kafkaForTests, kafkaIsPossible, type TestKafka } from './kafka';
export { kafkaAdmin } from './kafka-admin';
export { emptyBroker } from './empty-broker';
export { formatJvmBroker, jvmKafkaIsPossible, runJvmBroker, stopJvmBroker, type BrokerDoor } from './kafka-on-jvm';
export { ownBroker, type OwnBroker } from './own-broker';
export { fakeClock, testLogger, testMetrics, type FakeClock, type LogLine, type TestLogger } from './observers';
export { swallowingWay } from './swallowing-way';
export { testDatabase, type TestDatabase } from './test-database';
export { testTransport } from './test-transport';
export { seededRandom, type SeededRandom } from './simulation/seeded-random';
export { simulatedStore, type SimulatedStore, type StoreFaults } from './simulation/simulated-event-store';
export { runWorld, type Run, type SimulatedProcess, type World } from './simulation/world';
export { simulatedBus, type SimulatedBus } from './simulation/simulated-bus';
export { solanaNode } from './solana/solana-node';
export { tronNode, type Mined, type TronInfoJson, type TronNode, type TronTransactionJson } from './tron/tron-node';
export { simulatedBroker, type BrokerFaults, type SimulatedBroker } from './simulation/simulated-broker';
export { simulatedDatabase, type SimulatedDatabase } from './simulation/simulated-database';
export { simulatedNetwork, type CallFaults, type SimulatedNetwork } from './simulation/simulated-network';
export { simulatedCheckpoints, simulatedConsumerTables, type ParkedRow } from './simulation/simulated-tables';

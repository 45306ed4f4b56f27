export { applyTopicsConfigSchema } from './apply-topics-config';
export { createConsumer, type Consumer, type ConsumerDeps } from './consumer';
export { messagingMigrations, postgresConsumerTables, type ConsumerTables, type Progress } from './consumer-tables';
export { applyTopics, type AppliedTopics } from './kafka-topics';
export {
  messageOf,
  on,
  onSeveral,
  readMessage,
  type MessageHandler,
  type ReceivedMessage,
  type Subscription,
} from './message';
export { openTransport, type TransportOptions } from './open-transport';
export { listParked, redrive, type ParkedKey, type RedriveDeps } from './parked';
export { parkedAnswers, parkedMessages, type ParkedMessages } from './parked-calls';
export { createRelay, type Relay, type RelayDeps, type RelayOptions } from './relay';
export { republish } from './republish';
export { republishConfigSchema } from './republish-config';
export { declaredTopics, type Topic } from './topics';
export type { ConsumeOptions, OutgoingMessage, PublishedTo, RawMessage, Transport } from './transport';

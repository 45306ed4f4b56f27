export { createConsumer, type Consumer, type ConsumerDeps } from './consumer';
export { messagingMigrations } from './consumer-tables';
export { messageOf, on, readMessage, type MessageHandler, type ReceivedMessage, type Subscription } from './message';
export { openTransport, type TransportOptions } from './open-transport';
export { listParked, redrive, type ParkedKey } from './parked';
export { createRelay, type RelayDeps, type RelayOptions } from './relay';
export { declaredTopics, type Topic } from './topics';
export type { ConsumeOptions, OutgoingMessage, RawMessage, Transport } from './transport';

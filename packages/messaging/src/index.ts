export { messageOf, on, readMessage, type MessageHandler, type ReceivedMessage, type Subscription } from './message';
export type { ConsumeOptions, OutgoingMessage, RawMessage, Transport } from './transport';

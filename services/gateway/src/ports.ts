import type { CallContract, CallOutcome, CallRequest, ParkedCalls } from '@daybook/contracts';

/** Asks a service and waits for its answer. Throws OperationalError when there is none. */
export type Ask = <Call extends CallContract>(call: Call, request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

/** The services behind the edge. */
export type Services = {
  readonly identity: Ask;
  readonly intents: Ask;
  readonly ledger: Ask;
  readonly chainWatcher: Ask;
  readonly notifications: Ask;
  readonly settlement: Ask;
};

/** Those that may have messages parked. The others consume nothing. */
export const consumingServices = ['intents', 'ledger', 'settlement', 'notifications', 'gateway'] as const;
export type ConsumingService = (typeof consumingServices)[number];

/** What one of them answers about its parked messages. */
export type ParkedMessages = {
  readonly [Call in keyof ParkedCalls]: (
    request: CallRequest<ParkedCalls[Call]>,
  ) => Promise<CallOutcome<ParkedCalls[Call]>>;
};

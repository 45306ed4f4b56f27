import type { CallContract, CallOutcome, CallRequest } from '@daybook/contracts';

/** Asks a service and waits for its answer. Throws OperationalError when there is none. */
export type Ask = <Call extends CallContract>(call: Call, request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

/** The services behind the edge. */
export type Services = {
  readonly identity: Ask;
  readonly intents: Ask;
  readonly ledger: Ask;
  readonly chainWatcher: Ask;
  readonly notifications: Ask;
};

import {
  createSend,
  getMovements,
  getSend,
  listMovements,
  listWallets,
  walletBalance,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';

type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

/** What other services may ask of sends and hot wallets. */
export function sendCalls(
  tokens: readonly Secret[],
  app: {
    readonly createSend: Answer<typeof createSend>;
    readonly getSend: Answer<typeof getSend>;
    readonly walletBalance: Answer<typeof walletBalance>;
    readonly getMovements: Answer<typeof getMovements>;
    readonly listMovements: Answer<typeof listMovements>;
    readonly listWallets: Answer<typeof listWallets>;
  },
): Router {
  return callRoutes(tokens, [
    onCall(createSend, app.createSend),
    onCall(getSend, app.getSend),
    onCall(walletBalance, app.walletBalance),
    onCall(getMovements, app.getMovements),
    onCall(listMovements, app.listMovements),
    onCall(listWallets, app.listWallets),
  ]);
}

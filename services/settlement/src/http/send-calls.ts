import {
  createSend,
  getOutgoing,
  getSend,
  listOutgoing,
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
  token: Secret,
  app: {
    readonly createSend: Answer<typeof createSend>;
    readonly getSend: Answer<typeof getSend>;
    readonly walletBalance: Answer<typeof walletBalance>;
    readonly getOutgoing: Answer<typeof getOutgoing>;
    readonly listOutgoing: Answer<typeof listOutgoing>;
    readonly listWallets: Answer<typeof listWallets>;
  },
): Router {
  return callRoutes(token, [
    onCall(createSend, app.createSend),
    onCall(getSend, app.getSend),
    onCall(walletBalance, app.walletBalance),
    onCall(getOutgoing, app.getOutgoing),
    onCall(listOutgoing, app.listOutgoing),
    onCall(listWallets, app.listWallets),
  ]);
}

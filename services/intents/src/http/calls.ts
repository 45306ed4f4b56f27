import { createIntent, getIntent, listIntents, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';

type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

/** What other services may ask of this one. */
export function intentCalls(
  token: Secret,
  app: {
    readonly createIntent: Answer<typeof createIntent>;
    readonly getIntent: Answer<typeof getIntent>;
    readonly listIntents: Answer<typeof listIntents>;
  },
): Router {
  return callRoutes(token, [
    onCall(createIntent, app.createIntent),
    onCall(getIntent, app.getIntent),
    onCall(listIntents, app.listIntents),
  ]);
}

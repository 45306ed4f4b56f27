import { getPayouts, resumePayouts, stopPayouts } from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';
import type { payoutCalls } from '../app/payouts';

/** Whether payouts leave, for operators. */
export function payoutCallRoutes(tokens: readonly Secret[], app: ReturnType<typeof payoutCalls>): Router {
  return callRoutes(tokens, [
    onCall(getPayouts, app.getPayouts),
    onCall(stopPayouts, app.stopPayouts),
    onCall(resumePayouts, app.resumePayouts),
  ]);
}

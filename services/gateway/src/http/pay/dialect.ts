import type {
  acceptTransfer,
  getBalance,
  getTransfer,
  listTransfers,
  registerEndpoint,
  verifySignature,
} from '@daybook/contracts';
import type { Failure } from '@daybook/http';
import { z } from 'zod';
import type { Dialect } from '../dialect';
import type { RejectionOf } from '../rejections';

const unauthorized = {
  status: 401,
  code: 'UNAUTHORIZED',
  message: 'A valid bearer token is required.',
} as const satisfies Failure;

export const payDialect: Dialect = {
  name: 'pay',
  basePath: '/pay/v1',
  title: 'TXC wallets: balance, transfers, history.',
  schemes: ['token'],
  credentialMissing: unauthorized,
  credentialInvalid: unauthorized,
  limit: 'pay',
  errorMediaType: 'application/json',
  errorSchema: z.strictObject({
    error: z.strictObject({ code: z.string(), message: z.string(), field: z.string().optional() }),
  }),
  errorBody: ({ code, message, field }) => ({ error: { code, message, ...(field === undefined ? {} : { field }) } }),
};

type PayCall =
  | typeof acceptTransfer
  | typeof getTransfer
  | typeof listTransfers
  | typeof getBalance
  | typeof registerEndpoint
  | typeof verifySignature;

/** Every no of a service, as the reference documents it. */
export const payRejections = {
  id_reused: {
    status: 409,
    code: 'DUPLICATE_IDEMPOTENCY_KEY',
    message: 'Idempotency-Key was already used for a transfer with other content.',
    field: 'Idempotency-Key',
  },
  debit_account_not_found: { status: 404, code: 'NOT_FOUND', message: 'The wallet of this token does not exist.' },
  account_not_found: { status: 404, code: 'NOT_FOUND', message: 'The wallet of this token does not exist.' },
  credit_account_not_found: recipientNotFound(),
  asset_mismatch: recipientNotFound(),
  accounts_not_distinct: {
    status: 400,
    code: 'INVALID_REQUEST',
    message: 'recipient_wallet_id: must be another wallet than your own',
    field: 'recipient_wallet_id',
  },
  debit_account_frozen: { status: 403, code: 'FORBIDDEN', message: 'Your wallet is frozen.' },
  credit_account_frozen: { status: 403, code: 'FORBIDDEN', message: "The recipient's wallet is frozen." },
  insufficient_balance: { status: 422, code: 'INSUFFICIENT_BALANCE', message: 'Not enough TXC available' },
  transfer_not_found: { status: 404, code: 'NOT_FOUND', message: 'There is no such transfer.' },
  cursor_invalid: {
    status: 400,
    code: 'INVALID_REQUEST',
    message: 'cursor: is not a next_cursor of this list',
    field: 'cursor',
  },
  url_invalid: {
    status: 400,
    code: 'INVALID_REQUEST',
    message: 'url: must be an https URL on port 443 or 8443, without user information',
    field: 'url',
  },
  url_not_public: {
    status: 400,
    code: 'INVALID_REQUEST',
    message: 'url: must be reachable at a public address',
    field: 'url',
  },
  endpoints_exhausted: { status: 403, code: 'FORBIDDEN', message: 'No more webhooks can be registered.' },
} as const satisfies Record<RejectionOf<PayCall>, Failure>;

function recipientNotFound() {
  return {
    status: 404,
    code: 'NOT_FOUND',
    message: 'recipient_wallet_id: there is no such wallet',
    field: 'recipient_wallet_id',
  } as const;
}

export const signatureFailures = {
  required: {
    status: 403,
    code: 'SIGNATURE_REQUIRED',
    message: 'A transfer of this amount must be signed: send X-Signature.',
    field: 'X-Signature',
  },
  invalid: {
    status: 403,
    code: 'SIGNATURE_INVALID',
    message: 'X-Signature does not match the request, or its time is more than five minutes away.',
    field: 'X-Signature',
  },
} as const satisfies Record<string, Failure>;

export const walletMissing: Failure = {
  status: 403,
  code: 'FORBIDDEN',
  message: 'The credential does not act for a wallet.',
};

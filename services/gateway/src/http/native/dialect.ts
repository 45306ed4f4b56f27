import type {
  addGateway,
  chainStatus,
  rescanChain,
  exchangeLogin,
  createQuote,
  getBalance,
  getQuote,
  getRate,
  listDeliveries,
  listEndpoints,
  listExceptions,
  listIntents,
  ParkedCalls,
  receiveProviderWebhook,
  redeliver,
  registerEndpoint,
  removeEndpoint,
  replaceGatewaySettings,
  resolveException,
  resumePayouts,
  reverseTransfer,
  rotateSecret,
  setAccountFrozen,
  setGatewayEnabled,
  simulateDeposit,
  simulatePayment,
  simulateReturn,
} from '@daybook/contracts';
import type { Failure } from '@daybook/http';
import { z } from 'zod';
import { edgeFailures, type Dialect } from '../dialect';
import type { RejectionOf } from '../rejections';

const unauthorized: Failure = { status: 401, code: 'UNAUTHORIZED', message: 'A valid credential is required.' };

/** Our own API: problem+json, cursor pages, amounts as decimal strings. Any credential, by scope. */
export const nativeDialect: Dialect = {
  name: 'native',
  basePath: '/v1',
  title: 'Daybook: sandbox, webhooks, ledger and operations.',
  schemes: ['client', 'basic', 'api_key', 'token'],
  credentialMissing: unauthorized,
  credentialInvalid: unauthorized,
  limit: 'general',
  errorMediaType: 'application/problem+json',
  errorSchema: z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    field: z.string().optional(),
  }),
  errorBody: ({ status, code, message, field }) => ({
    type: `/problems/${code.toLowerCase().replaceAll('_', '-')}`,
    title: message,
    status,
    code,
    ...(field === undefined ? {} : { field }),
  }),
};

type NativeCall =
  | typeof simulateDeposit
  | typeof listIntents
  | typeof registerEndpoint
  | typeof listEndpoints
  | typeof removeEndpoint
  | typeof rotateSecret
  | typeof listDeliveries
  | typeof redeliver
  | typeof exchangeLogin
  | typeof getBalance
  | typeof setAccountFrozen
  | typeof reverseTransfer
  | typeof chainStatus
  | typeof rescanChain
  | typeof addGateway
  | typeof setGatewayEnabled
  | typeof replaceGatewaySettings
  | typeof receiveProviderWebhook
  | typeof simulatePayment
  | typeof simulateReturn
  | typeof listExceptions
  | typeof getRate
  | typeof getQuote
  | typeof resolveException
  | typeof resumePayouts
  | ParkedCalls['redrive'];

const notFound = (code: string, message: string) => ({ status: 404, code, message }) as const;
const badField = (field: string, said: string) =>
  ({ status: 400, code: 'INVALID_REQUEST', message: `${field}: ${said}`, field }) as const;
export const conflict = (code: string, message: string) => ({ status: 409, code, message }) as const;

const rateRefused = (code: string, said: string) =>
  ({ status: 422, code, message: `There is no rate that can be used: ${said}.` }) as const;
const rateUnavailable = { status: 503, code: 'RATE_UNAVAILABLE' } as const;

/** Why there is no rate. */
export const noRate = {
  pair_not_supported: badField('to', 'cannot be quoted in from'),
  rate_source_down: { ...rateUnavailable, message: 'No source of rates answers; try again.' },
  rate_not_a_number: rateRefused('RATE_NOT_A_NUMBER', 'its source says no plain decimal'),
  rate_not_positive: rateRefused('RATE_NOT_POSITIVE', 'its source says zero or less'),
  rate_stale: rateRefused('RATE_STALE', 'its source says one that is too old'),
  rate_out_of_range: rateRefused('RATE_OUT_OF_RANGE', 'its source says one that no rate can have'),
  rate_inverted: rateRefused('RATE_INVERTED', 'its source says one that is nearer to the inverse of the last good one'),
  rate_jumped: rateRefused('RATE_JUMPED', 'its source says one that is too far from the last good one'),
  rates_disagree: rateRefused('RATES_DISAGREE', 'its sources do not agree'),
} as const satisfies Record<RejectionOf<typeof getRate>, Failure>;

export const nativeRejections = {
  ...noRate,
  quote_not_found: notFound('QUOTE_NOT_FOUND', 'There is no such quote.'),
  amount_too_small: badField('amount', 'is less than the smallest unit of to'),
  amount_too_large: badField('amount', 'is more than an amount of to can be'),
  address_not_found: notFound('ADDRESS_NOT_FOUND', 'address: is not a deposit address of yours'),
  asset_not_simulated: badField('asset', 'is not on a simulated chain; pay on its chain instead'),
  deposit_exists_with_different_fields: conflict(
    'IDEMPOTENCY_KEY_REUSED',
    'Idempotency-Key was already used for a deposit with other content.',
  ),
  cursor_invalid: badField('cursor', 'is not a next_cursor of this list'),
  url_invalid: badField('url', 'must be an https URL on port 443 or 8443, without user information'),
  url_not_public: badField('url', 'must be reachable at a public address'),
  endpoints_exhausted: conflict('ENDPOINTS_EXHAUSTED', 'No more webhook endpoints can be registered.'),
  endpoint_not_found: notFound('ENDPOINT_NOT_FOUND', 'There is no such webhook endpoint.'),
  dialect_not_allowed: edgeFailures.scopeMissing,
  rotation_exists_with_different_fields: conflict(
    'IDEMPOTENCY_KEY_REUSED',
    'Idempotency-Key was already used for a rotation with another overlap_hours.',
  ),
  rotation_superseded: conflict('ROTATION_SUPERSEDED', 'The secret was rotated again after this rotation.'),
  secrets_exhausted: conflict(
    'SECRETS_EXHAUSTED',
    'Three earlier secrets of the endpoint still sign. Rotate when one has ended, or with overlap_hours 0.',
  ),
  endpoint_disabled: conflict('ENDPOINT_DISABLED', 'The webhook endpoint is disabled.'),
  delivery_not_found: notFound('DELIVERY_NOT_FOUND', 'There is no such delivery.'),
  login_invalid: { status: 401, code: 'LOGIN_INVALID', message: 'The login or the password is wrong.' },
  account_not_found: notFound('ACCOUNT_NOT_FOUND', 'There is no such account.'),
  chain_not_found: notFound('CHAIN_NOT_FOUND', 'There is no such chain.'),
  range_invalid: badField('to', 'must not be below from, and at most 999 above it'),
  range_not_scanned: badField('to', 'must be a block that was scanned'),
  transfer_not_found: notFound('TRANSFER_NOT_FOUND', 'There is no such transfer.'),
  transfer_not_confirmed: conflict('TRANSFER_NOT_CONFIRMED', 'Only a confirmed transfer can be reversed.'),
  id_reused: conflict('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key was already used for another reversal.'),
  transfer_already_reversed: conflict('TRANSFER_ALREADY_REVERSED', 'The transfer is reversed already.'),
  insufficient_balance: {
    status: 422,
    code: 'INSUFFICIENT_BALANCE',
    message: 'The account does not have enough available.',
  },
  provider_not_in_mode: badField(
    'settings.provider',
    'sandbox and test accounts are for sandbox credentials, live accounts for live ones',
  ),
  gateway_exists_with_different_fields: conflict('GATEWAY_EXISTS', 'name: a gateway of this name has other settings'),
  gateways_too_many: conflict('GATEWAYS_EXHAUSTED', 'No more gateways can be added.'),
  gateway_not_found: notFound('GATEWAY_NOT_FOUND', 'There is no such gateway.'),
  provider_differs: badField('settings.provider', 'must be the provider that the gateway has'),
  replacement_exists_with_different_fields: conflict(
    'IDEMPOTENCY_KEY_REUSED',
    'Idempotency-Key was already used for a replacement with other settings or another overlap_hours.',
  ),
  earlier_secrets_exhausted: conflict(
    'SECRETS_EXHAUSTED',
    'Three earlier webhook secrets of the gateway are still accepted. Replace when one has ended, or with overlap_hours 0.',
  ),
  signature_invalid: { status: 401, code: 'SIGNATURE_INVALID', message: 'The signature is not right.' },
  payment_not_found: notFound('TRANSACTION_NOT_FOUND', 'There is no such transaction.'),
  payment_not_simulated: conflict('PAYMENT_NOT_SIMULATED', 'The payment is not one of a sandbox gateway.'),
  payment_decided_otherwise: conflict('PAYMENT_DECIDED', 'The payment was decided the other way before.'),
  payment_not_taken: conflict('PAYMENT_NOT_PAID', 'The payer has not paid: there is nothing to give back.'),
  returned_beyond_payment: badField('refunded', 'must not be more than was paid, together with charged_back'),
  exception_not_found: notFound('EXCEPTION_NOT_FOUND', 'There is no such exception.'),
  action_not_possible: badField('action', 'is not possible for this kind of exception'),
  exception_already_credited: conflict('EXCEPTION_CREDITED', 'What is credited stays credited.'),
  stopped_again: conflict('STOPPED_AGAIN', 'Payouts were stopped again since: look at all stops first.'),
  parked_key_not_found: notFound('PARKED_KEY_NOT_FOUND', 'The service has no message of this group and key parked.'),
} as const satisfies Record<
  RejectionOf<NativeCall> | Exclude<RejectionOf<typeof createQuote>, 'idempotency_key_reused'>,
  Failure
>;

export const sandboxOnly: Failure = {
  status: 403,
  code: 'SANDBOX_ONLY',
  message: 'Only a sandbox credential can simulate.',
};

export const subjectNotFound: Failure = {
  status: 404,
  code: 'SUBJECT_NOT_FOUND',
  message: 'subject: is not a transaction, a hold, an intent, a payment, a transfer or an account of yours',
};

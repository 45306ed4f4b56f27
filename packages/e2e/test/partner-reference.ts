/** The examples of the reference of `partner`, as it prints them: with comments, and `...` where it leaves something out. */
export type Example = {
  readonly method: 'GET' | 'POST';
  /** `<transaction_id>` stands for an id. */
  readonly path: string;
  readonly body?: string;
  readonly response: string;
};

const payment = `{
"gateway_id": 3,
"amount": 100.00,
"currency": "USD",
"description": "Payment for services",
"metadata": {
"order_id": "ORD123456",
"customer_name": "John Doe"
}
}`;

const paymentAnswer = (provider: string) => `{
"success": true,
"transaction_id": "TX123456789",
${provider}
}`;

export const reference = {
  token: {
    method: 'POST',
    path: '/api/token',
    body: `{
"username": "your_api_username",
"password": "your_api_password"
}`,
    response: `{
"access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
"user_id": 123,
"username": "your_api_username"
}`,
  },
  transactions: {
    method: 'GET',
    path: '/api/transactions',
    response: `{
"transactions": [
{
"id": 456,
"transaction_id": "TX123456789",
"amount": 100.00,
"currency": "USD",
"type": "payment",
"status": "completed",
"description": "Payment for services",
"eth_transaction_hash": "0x1234...",
"created_at": "2023-09-01T12:00:00Z",
"updated_at": "2023-09-01T12:05:00Z"
},
...
],
"total": 127,
"limit": 50,
"offset": 0
}`,
  },
  details: {
    method: 'GET',
    path: '/api/transactions/<transaction_id>',
    response: `{
"id": 456,
"transaction_id": "TX123456789",
"user_id": 123,
"amount": 100.00,
"currency": "USD",
"type": "payment",
"status": "completed",
"description": "Payment for services",
"eth_transaction_hash": "0x1234...",
"institution_id": 5,
"gateway_id": 3,
"created_at": "2023-09-01T12:00:00Z",
"updated_at": "2023-09-01T12:05:00Z",
"blockchain_transaction": {
"eth_tx_hash": "0x1234...",
"from_address": "0xabcd...",
"to_address": "0xefgh...",
"amount": 0.05,
"gas_used": 21000,
"gas_price": 5000000000,
"block_number": 12345678,
"status": "confirmed",
"created_at": "2023-09-01T12:01:00Z"
}
}`,
  },
  paymentByStripe: {
    method: 'POST',
    path: '/api/payments',
    body: payment,
    response: paymentAnswer(`"payment_intent_id": "pi_1234567890", // For Stripe
"client_secret": "pi_1234_secret_5678" // For Stripe`),
  },
  paymentByCoinbase: {
    method: 'POST',
    path: '/api/payments',
    body: payment.replace('"gateway_id": 3', '"gateway_id": 2'),
    response: paymentAnswer(`"hosted_url": "https://checkout.example.com/c/1234", // For Coinbase
"charge_id": "charge_1234567890" // For Coinbase`),
  },
  paymentByPayPal: {
    method: 'POST',
    path: '/api/payments',
    body: payment.replace('"gateway_id": 3', '"gateway_id": 1'),
    response: paymentAnswer(`"approval_url": "https://paypal.com/checkout/1234567890", // For PayPal
"paypal_order_id": "ORDER-1234567890" // For PayPal`),
  },
  paymentStatus: {
    method: 'GET',
    path: '/api/payments/<transaction_id>/status',
    response: `{
"success": true,
"transaction_id": "TX123456789",
"status": "completed",
"amount": 100.00,
"currency": "USD",
"gateway_reference": "pi_1234567890"
}`,
  },
  transfer: {
    method: 'POST',
    path: '/api/transfers',
    body: `{
"institution_id": 5,
"amount": 500.00,
"currency": "USD",
"description": "Funds transfer to investment account",
"recipient_info": {
"account_number": "1234567890",
"routing_number": "987654321"
}
}`,
    response: `{
"success": true,
"transaction_id": "TX987654321",
"transfer_id": "TRF123456789",
"status": "pending",
"amount": 500.00,
"currency": "USD"
}`,
  },
  transferStatus: {
    method: 'GET',
    path: '/api/transfers/<transaction_id>/status',
    response: `{
"success": true,
"transaction_id": "TX987654321",
"transfer_id": "TRF123456789",
"status": "completed",
"amount": 500.00,
"currency": "USD",
"institution_reference": "REF123456"
}`,
  },
  send: {
    method: 'POST',
    path: '/api/blockchain/transactions',
    body: `{
"to_address": "0xabcdef1234567890abcdef1234567890abcdef12",
"amount": 0.1,
"description": "Settlement payment",
"use_contract": true // Use settlement smart contract
}`,
    response: `{
"success": true,
"transaction_id": "TX567890123",
"eth_transaction_hash": "0x1234...",
"from_address": "0xabcd...",
"to_address": "0xefgh...",
"amount": 0.1,
"status": "pending"
}`,
  },
  balance: {
    method: 'GET',
    path: '/api/blockchain/balance',
    response: `{
"success": true,
"address": "0xabcd...",
"balance_eth": 1.25,
"balance_wei": "1250000000000000000"
}`,
  },
} as const satisfies Record<string, Example>;

/** The JSON of a printed example. */
export function jsonOf(printed: string): Record<string, unknown> {
  return JSON.parse(withoutComments(printed).replaceAll(/,\n\.\.\.$/gm, '')) as Record<string, unknown>;
}

/** JSON has no comments: without them a printed body is what is sent. */
export function withoutComments(printed: string): string {
  return printed.replaceAll(/ \/\/ .*$/gm, '');
}

/**
 * What makes an answer the documented one: the same fields, with values of the same types. A field that is null in an
 * answer has to be allowed to be, because it does not apply to every transaction.
 */
export function differences(answer: unknown, printed: string, nullable: readonly string[] = []): string[] {
  return compare('', answer, jsonOf(printed), nullable);
}

function compare(path: string, answer: unknown, documented: unknown, nullable: readonly string[]): string[] {
  if (answer === null) return nullable.includes(path) ? [] : [`${path} is null`];
  const [got, expected] = [typeOf(answer), typeOf(documented)];
  if (got !== expected) return [`${path} is ${got}, documented as ${expected}`];
  if (Array.isArray(answer) && Array.isArray(documented))
    return answer.flatMap((each) => compare(path, each, documented[0], nullable));
  if (typeof answer !== 'object' || typeof documented !== 'object') return [];
  const [present, named] = [answer as Record<string, unknown>, documented as Record<string, unknown>];
  const inner = (key: string) => (path === '' ? key : `${path}.${key}`);
  const missing = Object.keys(named).filter((key) => !(key in present));
  const unknown = Object.keys(present).filter((key) => !(key in named));
  return [
    ...missing.map((key) => `${inner(key)} is missing`),
    ...unknown.map((key) => `${inner(key)} is not documented`),
    ...Object.keys(named)
      .filter((key) => key in present)
      .flatMap((key) => compare(inner(key), present[key], named[key], nullable)),
  ];
}

/** Text is of as many types as the reference tells apart. */
function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'string') return typeof value;
  if (/^TX[0-9A-Z]{9,}$/.test(value)) return 'transaction id';
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(value)) return 'time';
  if (/^0x[0-9a-f]/i.test(value)) return '0x text';
  return value.startsWith('https:') ? 'URL' : 'text';
}

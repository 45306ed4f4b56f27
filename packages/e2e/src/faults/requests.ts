/** How an operation is asked for over the public APIs. The same operation gives the same bytes, whenever it is asked. */
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import { intentAssets } from '@daybook/contracts';
import type { Operation, PlannedOperation } from './plan';
import { itemKey, ownAsset } from './model';
import type { People } from './people';

export type ApiRequest = {
  readonly method: 'POST' | 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export const decimal = (units: bigint, asset: AssetCode): string => formatAmount(units, assets[asset].scale);

/** Where an earlier operation has to be known: the address of an intent. Undefined while it is not. */
export type Known = { addressOf(intentKey: string): string | undefined };

/** Undefined when it cannot be asked for, because what it is about was never answered. */
export function requestOf(people: People, { key, operation }: PlannedOperation, known: Known): ApiRequest | undefined {
  const write = (path: string, body: unknown, headers = people.client): ApiRequest => ({
    method: 'POST',
    path,
    headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  });
  switch (operation.kind) {
    case 'transfer': {
      const { from, to, amount } = operation;
      const headers = { authorization: `Bearer ${people.wallets[from]?.token}` };
      const recipient = people.wallets[to]?.walletId;
      const body = { recipient_wallet_id: recipient, amount: decimal(amount, 'TXC'), reference_id: key };
      return write('/pay/v1/transfer', body, headers);
    }
    case 'deposit': {
      const address = known.addressOf(operation.of);
      if (address === undefined) return undefined;
      const amount = decimal(operation.amount, intentAssets[operation.currency]);
      return write('/v1/sandbox/deposits', { address, asset: operation.currency, amount });
    }
    case 'intent': {
      const { currency, amount } = operation;
      const body = { amount: decimal(amount, intentAssets[currency]), currency, order_id: key };
      return write('/api/v1/intents/create-payment', body);
    }
    default:
      return ofLedger(key, operation, people.begunAtMs, write);
  }
}

type OfLedger = Exclude<Operation, { kind: 'transfer' | 'deposit' | 'intent' }>;

function ofLedger(
  key: string,
  operation: OfLedger,
  begunAtMs: number,
  write: (path: string, body: unknown) => ApiRequest,
): ApiRequest {
  const shown = (units: bigint) => decimal(units, ownAsset);
  switch (operation.kind) {
    case 'post': {
      const { debit, credit, amount } = operation;
      return write('/v1/ledger/transactions', { debit, credit, asset: ownAsset, amount: shown(amount) });
    }
    case 'bulk': {
      const transactions = operation.items.map(({ amount, ...sides }, index) => ({
        id: itemKey(key, index),
        ...sides,
        asset: ownAsset,
        amount: shown(amount),
      }));
      const request = write('/v1/ledger/transactions/bulk', { atomic: operation.atomic, transactions });
      const { 'idempotency-key': _key, ...headers } = request.headers;
      return { ...request, headers };
    }
    case 'hold': {
      const { account, amount, expiresAfterMs } = operation;
      const expiry = expiresAfterMs === null ? {} : { expires_at: new Date(begunAtMs + expiresAfterMs).toISOString() };
      return write('/v1/ledger/holds', { account_id: account, asset: ownAsset, amount: shown(amount), ...expiry });
    }
    case 'capture': {
      const { of, credit, amount, final } = operation;
      const part = amount === null ? {} : { amount: shown(amount) };
      return write(`/v1/ledger/holds/${of}/capture`, { credit, ...part, final });
    }
    case 'release':
      return write(`/v1/ledger/holds/${operation.of}/release`, {});
    case 'reverse':
      return write(`/v1/ledger/transactions/${operation.of}/reverse`, {});
  }
}

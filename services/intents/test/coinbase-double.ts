/** Coinbase Commerce, as far as it is asked. Shapes are those of its public API reference. */
import { createHmac, randomUUID } from 'node:crypto';
import { webhookSecret, type Answer, type Asked, type Declines } from './double-wire';

export type Charge = {
  id: string;
  transactionId: string;
  timeline: { status: string }[];
  payments: object[];
  amount: string;
  currency: string;
};

/**
 * A payment of a charge, as Coinbase recorded it under the version 2018-03-22: of charges of before 2024, and of those of
 * today, whose `charge_kind` is WEB3.
 */
export const chargePayments = {
  legacy: (status: string, local: { amount: string; currency: string }) => ({
    payment_id: 'bf885807-f153-412f-b98a-12f65210b606',
    network: 'polygon',
    transaction_id: '0x7e4cf90b6c9b60d506f945a11d35fcc1645bc43cb21a0157316b956135f9e879',
    status: status.toUpperCase(),
    detected_at: '2024-02-23T05:44:13Z',
    value: { local, crypto: { amount: '0.721948243', currency: 'PMATIC' } },
    block: { height: 53_851_495, confirmations: 136, confirmations_required: 128 },
    payer_addresses: null,
  }),
  WEB3: (status: string, local: { amount: string; currency: string }) => ({
    payment_id: '0xa354ec3562872e895ffa9d33231a290d0180eb88ae9a9325ddc9e8eafe62ecb7',
    network: 'polygon',
    transaction_id: '0xa354ec3562872e895ffa9d33231a290d0180eb88ae9a9325ddc9e8eafe62ecb7',
    status: status.toLowerCase(),
    detected_at: '2024-02-02T23:30:53Z',
    value: { local, crypto: { amount: local.amount, currency: 'USDC' } },
    payer_addresses: ['0xe00a7135e073a0606aa6b5eb895e996ada364ddd'],
  }),
};

export function coinbaseDouble(declines: Declines) {
  const charges = new Map<string, Charge>();

  function answer({ method, path, body }: Asked): Answer {
    const shown = ({ id, transactionId, timeline, payments }: Charge) => ({
      id,
      code: id.slice(0, 8),
      hosted_url: `https://commerce.coinbase.com/charges/${id}`,
      metadata: { transaction_id: transactionId },
      timeline,
      payments,
    });
    if (method === 'POST' && path === '/charges') {
      const declined = declines();
      if (declined !== null) return { status: 400, body: { error: { type: 'invalid_request', message: declined } } };
      const { metadata, local_price: price } = JSON.parse(body) as {
        metadata: { transaction_id: string };
        local_price: { amount: string; currency: string };
      };
      const id = randomUUID();
      charges.set(id, {
        id,
        transactionId: metadata.transaction_id,
        timeline: [{ status: 'NEW' }],
        payments: [],
        ...price,
      });
      return { status: 201, body: { data: shown(charges.get(id)!) } };
    }
    if (path === '/charges') return { status: 200, body: { data: [...charges.values()].toReversed().map(shown) } };
    const found = charges.get(path.slice('/charges/'.length));
    return found === undefined
      ? { status: 404, body: { error: { type: 'not_found', message: 'Not found' } } }
      : { status: 200, body: { data: shown(found) } };
  }

  return { charges, answer };
}

export function coinbaseSignature(body: string, secret = webhookSecret): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

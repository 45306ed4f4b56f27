/**
 * The sandbox provider: needs no account anywhere, takes no money, and answers with the fields of the provider whose part it
 * plays. Its payer decides by `POST /v1/sandbox/payments/{transaction_id}`. Its memory is a table of its own, which nothing
 * but this file reads: to the rest of the service it is a provider like the others.
 */
import type { ProviderSettings } from '@daybook/contracts';
import { assert } from '@daybook/core';
import { codeFrom } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { PaymentSession, Returned } from '../../domain/provider-payment';
import type { PaymentProvider } from '../../ports';

type Played = Extract<ProviderSettings, { provider: 'sandbox' }>['plays'];

const sessions: Readonly<Record<Played, (reference: string) => PaymentSession>> = {
  stripe: (reference) => ({ payment_intent_id: reference, client_secret: `${reference}_secret_sandbox` }),
  paypal: (reference) => ({
    approval_url: `https://sandbox.invalid/paypal/checkout/${reference}`,
    paypal_order_id: reference,
  }),
  coinbase: (reference) => ({
    hosted_url: `https://sandbox.invalid/coinbase/charges/${reference}`,
    charge_id: reference,
  }),
};
const prefixes: Readonly<Record<Played, string>> = { stripe: 'pi_', paypal: 'ORDER-', coinbase: 'charge_' };

export function sandboxProvider(pool: Pool, plays: Played): PaymentProvider {
  return {
    async open({ transactionId, amount }) {
      const reference = codeFrom(prefixes[plays], ['sandbox provider', transactionId]);
      await query(
        pool,
        `insert into sandbox_payments (reference, amount, status) values ($1, $2, 'open') on conflict do nothing`,
        [reference, amount],
      );
      return { opened: true, reference, session: sessions[plays](reference) };
    },

    async observe(reference) {
      const [found] = await query(pool, 'select * from sandbox_payments where reference = $1', [reference]);
      switch (found?.status) {
        case 'succeeded':
          return { status: 'taken', amount: BigInt(found.amount) };
        case 'failed':
          return { status: 'failed', reason: 'the payer of the sandbox declined' };
        default:
          return { status: 'open' };
      }
    },

    async returned(reference) {
      const [found] = await query(pool, 'select * from sandbox_payments where reference = $1', [reference]);
      assert(found, 'a payment of the sandbox stays');
      const chargedBack = BigInt(found.charged_back);
      return { refunded: BigInt(found.refunded), chargedBack, disputed: chargedBack > 0n };
    },

    async readNotice() {
      return null;
    },
  };
}

/** What the payer of the sandbox does. The first decision stays; answers which one that is. */
export async function decideSandboxPayment(
  pool: Pool,
  reference: string,
  outcome: 'succeeded' | 'failed',
): Promise<'succeeded' | 'failed'> {
  const [row] = await query(
    pool,
    `update sandbox_payments set status = case when status = 'open' then $2 else status end where reference = $1
     returning *`,
    [reference, outcome],
  );
  return row?.status === 'failed' ? 'failed' : 'succeeded';
}

/** What went back in all from now on. False when the payer has not paid. */
export async function giveBackSandboxPayment(
  pool: Pool,
  reference: string,
  { refunded, chargedBack }: Omit<Returned, 'disputed'>,
): Promise<boolean> {
  const found = await query(
    pool,
    `update sandbox_payments set refunded = $2, charged_back = $3 where reference = $1 and status = 'succeeded'
     returning *`,
    [reference, refunded, chargedBack],
  );
  return found.length > 0;
}

type Row = { status: 'open' | 'succeeded' | 'failed'; amount: string; refunded: string; charged_back: string };

async function query(pool: Pool, text: string, values: unknown[]): Promise<readonly Row[]> {
  return (await pool.query<Row>(text, values)).rows;
}

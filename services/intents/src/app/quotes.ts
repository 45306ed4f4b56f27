import type {
  CallOutcome,
  CallRequest,
  createQuote as createQuoteCall,
  getQuote as getQuoteCall,
  getRate as getRateCall,
  quoteView,
} from '@daybook/contracts';
import { assert } from '@daybook/core';
import { assets } from '@daybook/money';
import { currentCorrelation, uuidFrom, uuidv7, type Clock } from '@daybook/runtime';
import { z } from 'zod';
import { isSameRequest, type Quote } from '../domain/quote';
import { convert } from '../domain/rate';
import type { QuoteStore } from '../ports';
import type { GoodRateOf } from './rates';

const streamOf = (quoteId: string) => `quote-${quoteId}`;

export function quoteCalls(deps: {
  readonly quotes: QuoteStore;
  readonly goodRateOf: GoodRateOf;
  readonly now: Clock;
  readonly ttlMs: number;
}) {
  const { quotes, now } = deps;

  const told = (quote: Quote) => ({ quote: viewOfQuote(quote), isExpired: now().toISOString() >= quote.expiresAt });

  type Create = CallRequest<typeof createQuoteCall>;

  async function issue(request: Create, quoteId: string): Promise<CallOutcome<typeof createQuoteCall>> {
    const { tenantId, mode, from, to, amount } = request;
    const good = await deps.goodRateOf({ mode, from, to });
    if (typeof good === 'string') return { ok: false, rejection: good };
    const toAmount = convert(amount, good.rate, assets[from].scale, assets[to].scale);
    if (toAmount === 0n) return { ok: false, rejection: 'amount_too_small' };
    if (toAmount.toString().length > amountDigitsMax) return { ok: false, rejection: 'amount_too_large' };
    const at = now();
    const terms = { quoteId, tenantId, mode, from, to, amount, toAmount, ...good, createdAt: at.toISOString() };
    const quote: Quote = { ...terms, expiresAt: new Date(at.getTime() + deps.ttlMs).toISOString() };
    const outcome = await quotes.handle(
      streamOf(quoteId),
      { type: 'IssueQuote', quote },
      { commandId: uuidv7(at), ...currentCorrelation(quoteId) },
    );
    if (!outcome.ok) return outcome;
    assert(outcome.state !== null, 'the quote that was issued is there');
    return { ok: true, value: { ...told(outcome.state), replayed: outcome.events.length === 0 } };
  }

  return {
    async getRate({ mode, from, to }: CallRequest<typeof getRateCall>): Promise<CallOutcome<typeof getRateCall>> {
      const good = await deps.goodRateOf({ mode, from, to });
      if (typeof good === 'string') return { ok: false, rejection: good };
      const { rate, sources, observedAt } = good;
      return { ok: true, value: { rate: { from, to, ...rate, sources: [...sources], observedAt } } };
    },

    async createQuote(request: Create): Promise<CallOutcome<typeof createQuoteCall>> {
      const { tenantId, mode, idempotencyKey } = request;
      if (idempotencyKey === null) return issue(request, uuidv7(now()));
      const quoteId = uuidFrom(['quote', tenantId, mode, idempotencyKey], 4);
      // A repeat is answered with the quote that is there, whatever the rate is by now and whether there is one.
      const { state } = await quotes.load(streamOf(quoteId));
      if (state === null) return issue(request, quoteId);
      if (!isSameRequest(request, state)) return { ok: false, rejection: 'idempotency_key_reused' };
      return { ok: true, value: { ...told(state), replayed: true } };
    },

    /** A strong read. Another tenant's or mode's quote does not exist for the caller. */
    async getQuote(request: CallRequest<typeof getQuoteCall>): Promise<CallOutcome<typeof getQuoteCall>> {
      const quoteId = z.uuid().safeParse(request.quoteId.toLowerCase());
      if (!quoteId.success) return { ok: false, rejection: 'quote_not_found' };
      const { state } = await quotes.load(streamOf(quoteId.data));
      if (state === null || state.tenantId !== request.tenantId || state.mode !== request.mode)
        return { ok: false, rejection: 'quote_not_found' };
      return { ok: true, value: told(state) };
    },
  };
}

/** Of minor units on the wire. */
const amountDigitsMax = 38;

function viewOfQuote({ tenantId: _tenantId, mode: _mode, rate, sources, ...quote }: Quote): z.output<typeof quoteView> {
  return { ...quote, ...rate, sources: [...sources] };
}

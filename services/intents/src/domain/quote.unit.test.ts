import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { quoteDecider, type Quote, type QuoteCommand } from './quote';
import { rateOf } from './rate';

const quote: Quote = {
  quoteId: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11',
  mode: 'live',
  from: 'BTC',
  to: 'USD',
  amount: 10_000_000n,
  toAmount: 650_001n,
  rate: rateOf(6_500_012n, 100n),
  sources: ['coinbase'],
  observedAt: '2026-03-01T10:00:00.000Z',
  createdAt: '2026-03-01T10:00:01.000Z',
  expiresAt: '2026-03-01T10:01:01.000Z',
};
const issue = (change: Partial<Quote> = {}): QuoteCommand => ({ type: 'IssueQuote', quote: { ...quote, ...change } });

test('Q1: is issued once; the same request again is answered with it, other content is refused', () => {
  const change = fc.record(
    {
      amount: fc.constantFrom(10_000_000n, 1n),
      to: fc.constantFrom('USD' as const, 'EUR' as const),
      toAmount: fc.bigInt(1n, 9n),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(change, { minLength: 1 }), (changes) => {
      let state = quoteDecider.initial;
      for (const [index, each] of changes.entries()) {
        const command = issue(each);
        const decision = quoteDecider.decide(command, state);
        if (index === 0) expect(decision).toEqual(accept({ type: 'QuoteIssued', quote: command.quote }));
        else {
          const same = command.quote.amount === state?.amount && command.quote.to === state.to;
          expect(decision).toEqual(same ? accept() : reject('idempotency_key_reused'));
        }
        if (decision.ok) state = decision.events.reduce(quoteDecider.evolve, state);
      }
    }),
  );
});

/** What came to pass in runs. Rules that hold of what never happens say nothing: many runs together have floors. */
import { outcomeOf } from './book-facts';
import type { Customers } from './customers';
import { allOf, type Facts } from './facts';
import type { Product } from './product';

export const nothing = {
  intents: 0,
  settled: 0,
  expired: 0,
  underpaid: 0,
  confirmedDeposits: 0,
  reverts: 0,
  transfers: 0,
  confirmedTransfers: 0,
  refusedTransfers: 0,
  bulks: 0,
  refusedBulks: 0,
  settlements: 0,
  webhooks: 0,
};

export type Happened = Readonly<typeof nothing>;

export async function happenedIn({ places, receivers }: Product, asked: Customers, facts: Facts): Promise<Happened> {
  const watched = await allOf(places['chain-watcher'].log.durable);
  const intentsThatAre = (stage: string) => facts.intents.filter(({ state }) => state.stage === stage).length;
  const transfers = [...facts.transfers.values()];
  const bulks = asked.bulks.flatMap(({ answers: [first] }) => (first === undefined ? [] : [outcomeOf(first)]));
  return {
    intents: facts.intents.length,
    settled: intentsThatAre('settled'),
    expired: intentsThatAre('expired'),
    underpaid: intentsThatAre('underpaid'),
    confirmedDeposits: facts.deposits.filter(({ status }) => status === 'confirmed').length,
    reverts: watched.filter(({ type }) => type === 'DepositReverted').length,
    transfers: transfers.length,
    confirmedTransfers: transfers.filter(({ status }) => status === 'confirmed').length,
    refusedTransfers: asked.transfers.filter(({ answers }) => answers[0]?.ok === false).length,
    bulks: bulks.filter((outcome) => outcome === 'done').length,
    refusedBulks: bulks.filter((outcome) => outcome !== 'done').length,
    settlements: [...facts.settlements.values()].filter(({ completed }) => completed).length,
    webhooks: receivers.received.length,
  };
}

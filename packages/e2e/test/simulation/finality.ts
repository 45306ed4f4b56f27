/** I12: at the moment of its confirmation a deposit is in the chain, as deep as the rule asks. */
import { depositEvents } from '../../../../services/chain-watcher/src/adapters/stored-events';
import type { DepositEvent } from '../../../../services/chain-watcher/src/domain/deposit';
import { confirmations } from './chain';
import { allOf } from './facts';
import type { Product } from './product';

export function watchFinality({ world, places, chain }: Product): void {
  const { durable } = places['chain-watcher'].log;
  let seen = 0;
  durable.onAppend(() => {
    void allOf(durable).then((events) => {
      for (const stored of events.slice(seen)) {
        if (stored.type !== 'DepositConfirmed') continue;
        const { depositId, blockNumber, blockHash } = depositEvents.decode(stored) as DepositEvent;
        const depth = chain.blocks.length - blockNumber;
        if (chain.blocks[blockNumber]?.hash !== blockHash || depth < confirmations)
          world.violated(`I12: deposit ${depositId} is confirmed with ${depth} of ${confirmations} blocks`);
      }
      seen = Math.max(seen, events.length);
    });
  });
}

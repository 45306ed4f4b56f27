/** The settlement service as its composition root has it, on the ports of the simulation. */
import { commandHandler } from '@daybook/event-store';
import { createConsumer, createRelay } from '@daybook/messaging';
import { publishedEvents } from '../../../../services/settlement/src/adapters/published-events';
import { settlementEvents } from '../../../../services/settlement/src/adapters/stored-events';
import { sendEvents } from '../../../../services/settlement/src/adapters/stored-sends';
import { transferEvents } from '../../../../services/settlement/src/adapters/stored-transfers';
import { advanceSettlement } from '../../../../services/settlement/src/app/advance-settlement';
import { bookSend } from '../../../../services/settlement/src/app/book-send';
import { bookTransfer } from '../../../../services/settlement/src/app/book-transfer';
import { intentsSubscription } from '../../../../services/settlement/src/consumers/intents';
import { ledgerTransactionsSubscription } from '../../../../services/settlement/src/consumers/ledger-transactions';
import { bankTransfer } from '../../../../services/settlement/src/domain/bank-transfer';
import { chainSend } from '../../../../services/settlement/src/domain/chain-send';
import { settlement } from '../../../../services/settlement/src/domain/settlement';
import type { Composition, Parts, Product } from './product';

export function composeSettlement(_product: Product, parts: Parts): Composition {
  const advance = advanceSettlement(commandHandler(settlement, settlementEvents, parts.store), parts.logger);
  const book = bookTransfer(commandHandler(bankTransfer, transferEvents, parts.store));
  const sent = bookSend(commandHandler(chainSend, sendEvents, parts.store));
  return {
    components: [
      createConsumer(parts, intentsSubscription(advance)),
      createConsumer(parts, ledgerTransactionsSubscription(advance, book, sent)),
      createRelay(parts, { name: 'settlement', map: publishedEvents }),
    ],
    serve: () => undefined,
  };
}

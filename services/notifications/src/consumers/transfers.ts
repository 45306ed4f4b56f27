/**
 * ledger.transfers: transfers that were accepted, confirmed, failed or reversed become deliveries of the `pay` dialect.
 * The effect is an append with deterministic ids, so a message that is handled twice schedules once.
 */
import { transferStatusChanged } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import { scheduleTransfer, type ScheduleDeps } from '../app/schedule-deliveries';

export function transfersConsumer(deps: ScheduleDeps): Subscription {
  return {
    group: 'notifications.transfers',
    topic: transferStatusChanged.topic,
    handlers: [
      on(transferStatusChanged, (_tx, { id, data, streamVersion, correlationId }) =>
        scheduleTransfer(deps, data, { messageId: id, sequence: streamVersion, correlationId }),
      ),
    ],
  };
}

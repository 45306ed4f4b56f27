/**
 * ledger.transfers: transfers that were accepted, confirmed, failed or reversed become deliveries of the `pay` dialect.
 * The effect is an append with deterministic ids, so a message that is handled twice schedules once. Messages that come
 * together are scheduled together.
 */
import { transferStatusChanged } from '@daybook/contracts';
import { onSeveral, type Subscription } from '@daybook/messaging';
import { scheduleTransfers, type ScheduleDeps } from '../app/schedule-deliveries';

export function transfersConsumer(deps: ScheduleDeps): Subscription {
  return {
    group: 'notifications.transfers',
    topic: transferStatusChanged.topic,
    handlers: [
      onSeveral(transferStatusChanged, (_tx, messages) =>
        scheduleTransfers(
          deps,
          messages.map(({ id, data, streamVersion, correlationId }) => ({
            transfer: data,
            source: { messageId: id, sequence: streamVersion, correlationId },
          })),
        ),
      ),
    ],
  };
}

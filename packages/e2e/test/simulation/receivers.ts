/** Where webhooks arrive: receivers that fail, and whose answers get lost. What arrived is kept. */
import type { SimulatedProcess, World } from '@daybook/testing';
import type { WebhookClient, WebhookRequest } from '../../../../services/notifications/src/ports';

export type ReceiverFaults = { readonly fails: number; readonly unheard: number; readonly latencyMs: number };

export type Received = { readonly url: string; readonly webhookId: string; readonly body: string };

export type Receivers = {
  client(owner: SimulatedProcess): WebhookClient;
  readonly received: readonly Received[];
  heal(): void;
};

export function receivers(world: World, faults: ReceiverFaults): Receivers {
  const { random } = world;
  const received: Received[] = [];
  let healed = false;
  const chance = (share: number) => !healed && random.chance(share);

  function send(
    owner: SimulatedProcess,
    { url, headers, body, abort }: WebhookRequest,
  ): ReturnType<WebhookClient['send']> {
    return new Promise((answer) => {
      const aborted = () => answer('aborted');
      const resolve: typeof answer = (result) => {
        abort.removeEventListener('abort', aborted);
        answer(result);
      };
      abort.addEventListener('abort', aborted);
      const [fails, unheard] = [chance(faults.fails), chance(faults.unheard)];
      const [there, back] = [1 + random.below(faults.latencyMs), 1 + random.below(faults.latencyMs)];
      world.note(`${owner.name} webhook ${headers['webhook-id']}${fails ? ' fails' : unheard ? ' unheard' : ''}`);
      if (fails)
        return world.after(there + back, owner, () => resolve({ ok: false, status: 500, error: 'status 500' }));
      world.after(there, null, () => {
        received.push({ url, webhookId: headers['webhook-id']!, body });
        world.after(unheard ? 10_000 : back, owner, () =>
          resolve(unheard ? { ok: false, status: null, error: 'timeout' } : { ok: true, status: 200 }),
        );
      });
    });
  }

  return {
    received,
    client: (owner) => ({
      check: async () => undefined,
      send: (request) => send(owner, request),
      close: async () => undefined,
    }),
    heal() {
      healed = true;
    },
  };
}

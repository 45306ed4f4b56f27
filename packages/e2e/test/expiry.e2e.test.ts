import { openReceiver } from '@daybook/standalone';
import { eventually } from '@daybook/testing';
import { Instance } from './instance';
import { expectBooksBalance } from './stories';

describe('intents that live for three seconds', () => {
  const daybook = new Instance({ LOG_LEVEL: 'warn', INTENT_TTL_MS: '3000' });
  let receiver: Awaited<ReturnType<typeof openReceiver>>;

  beforeAll(async () => {
    await daybook.start();
    receiver = await openReceiver();
    const registered = await daybook.intents('POST', '/v1/webhook-endpoints', {
      body: { url: receiver.url, events: ['intent.expired', 'intent.underpaid', 'intent.exception'] },
    });
    receiver.setSecret(String(registered.body.secret));
  }, 120_000);
  afterAll(async () => {
    await receiver?.close();
    await daybook.dispose();
  });
  afterEach(() => expectBooksBalance(daybook));

  const reaches = (intentId: string, expected: Record<string, unknown>) =>
    eventually(async () => expect(await daybook.intent(intentId)).toMatchObject(expected), { timeoutMs: 20_000 });

  test('unpaid: expired; a payment after that is late, and all of it is refundable', async () => {
    const { id, address } = await daybook.createIntent('USDT_TRC20', '10.00');
    await reaches(id, { status: 'expired', amount_received: 0 });
    await receiver.first(({ body }) => body.intent_id === id && body.event === 'intent.expired', 10_000);
    await daybook.deposit(address, 'USDT_TRC20', '10.00');
    await reaches(id, { status: 'expired', amount_refundable: 10, exceptions: ['paid_late'] });
    await receiver.first(({ body }) => body.intent_id === id && body.event === 'intent.exception', 10_000);
  });

  test('one unit short: underpaid, and what came is refundable', async () => {
    const { id, address } = await daybook.createIntent('USDT_SOL', '10.00');
    await daybook.deposit(address, 'USDT_SOL', '9.999999');
    await reaches(id, { status: 'underpaid', amount_refundable: 9.999999 });
    await receiver.first(({ body }) => body.intent_id === id && body.event === 'intent.underpaid', 10_000);
  });

  test('the same order asks again after expiry and gets a fresh intent; before that, the same one', async () => {
    const first = await daybook.createIntent('SOL', '1.00', 'AGAIN');
    expect(await daybook.createIntent('SOL', '1.00', 'AGAIN')).toEqual(first);
    await reaches(first.id, { status: 'expired' });
    expect((await daybook.createIntent('SOL', '1.00', 'AGAIN')).id).not.toBe(first.id);
  });

  test('by a policy that holds what is late and credits what is over, an operator decides on what is held', async () => {
    const { token } = daybook.credentials.ops;
    const as = (method: string, path: string, body?: unknown) =>
      daybook.request(method, path, {
        headers: { Authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body }),
      });
    const policy = {
      under: { tolerance_bps: 0, place: 'held' },
      over: 'credited',
      late: 'held',
      wrong_asset: 'suspense',
      dust: { below: {}, place: 'suspense' },
    };
    expect((await as('PUT', '/v1/admin/receipt-policies', policy)).status).toBe(200);

    const [late, over] = [await daybook.createIntent('SOL', '2.00'), await daybook.createIntent('SOL', '3.00')];
    await daybook.deposit(over.address, 'SOL', '5.00');
    await reaches(over.id, { status: 'settled', amount_refundable: 0, exceptions: ['overpaid'] });
    await reaches(late.id, { status: 'expired' });
    await daybook.deposit(late.address, 'SOL', '2.00');
    await reaches(late.id, { exceptions: ['paid_late'], amount_refundable: 0 });
    const { exceptions } = (await as('GET', '/v1/ops/exceptions?place=held&asset=SOL')).body as {
      exceptions: { id: string; subject: string; amount: string; next_action: string }[];
    };
    const held = exceptions.find(({ subject }) => subject === late.id);
    expect(held).toMatchObject({ amount: '2.00', next_action: 'decide' });
    const resolve = () => as('POST', `/v1/ops/exceptions/${held?.id}/resolve`, { action: 'refund' });
    expect((await resolve()).body).toMatchObject({ place: 'refundable', next_action: 'refund' });
    expect((await resolve()).status).toBe(200);
    await reaches(late.id, { amount_refundable: 2 });
    // The journal has it all, each once, under the intents that it came for.
    const rules = async (subject: string) => {
      const { body } = await as('GET', `/v1/ledger/transactions?subject=${subject}`);
      return (body.transactions as { rule: string }[]).map(({ rule }) => rule).toSorted();
    };
    await eventually(async () => expect(await rules(late.id)).toEqual(['intent-receipt@1', 'receipt-move@1']), {
      timeoutMs: 10_000,
    });
    expect(await rules(over.id)).toEqual(['intent-receipt@1', 'settlement@1']);
  });

  test('another asset at the address of an intent, on a real chain, ends in suspense as what it is', async () => {
    const { token } = daybook.credentials.ops;
    const { id, address } = await daybook.createIntent('USDT_ERC20', '10.00');
    const hash = await daybook.payOnEvm(address, 'ETH', 7n);
    await reaches(id, { status: 'expired', amount_received: 0, exceptions: ['wrong_asset'] });
    const { body } = await daybook.request('GET', '/v1/ops/exceptions?reason=wrong_asset', {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(body.exceptions).toContainEqual(
      expect.objectContaining({
        subject: id,
        asset: 'ETH',
        amount: '0.000000000000000007',
        place: 'suspense',
        next_action: 'identify',
        transaction_reference: hash,
      }),
    );
  });
});

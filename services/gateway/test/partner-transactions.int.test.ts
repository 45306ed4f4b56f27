import {
  getInstitutionTransfer,
  getMovements,
  getPayment,
  getPayments,
  getSend,
  listMovements,
  listPayments,
} from '@daybook/contracts';
import { GatewayHarness, type TestCredential } from './harness';
import {
  address,
  deposit,
  hash,
  idOf,
  outgoing,
  payment,
  send,
  times,
  transfer,
  type Movement,
  type Payment,
} from './partner-facts';

const gateway = new GatewayHarness();
let partner: TestCredential;

beforeAll(async () => {
  await gateway.start();
  partner = await gateway.issue('api_key', ['partner']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const get = (path: string) => gateway.request('GET', path, { headers: partner.headers });
const keyOf = ({ transactionId, number, createdAt }: Payment | Movement) => ({ transactionId, number, createdAt });
/** Both services' lists, newest first, as they answer a request; and rows, in whatever order. */
const keep = (payments: readonly Payment[], sent: readonly Movement[]) => {
  gateway.services.respond(listPayments)(({ limit }) => ({
    ok: true,
    value: { payments: payments.slice(0, limit).map(keyOf), total: payments.length },
  }));
  gateway.services.respond(listMovements)(({ limit }) => ({
    ok: true,
    value: { transactions: sent.slice(0, limit).map(keyOf), total: sent.length },
  }));
  gateway.services.respond(getPayments)(({ transactionIds: ids }) => ({
    ok: true,
    value: { payments: payments.filter(({ transactionId }) => ids.includes(transactionId)).toReversed() },
  }));
  gateway.services.respond(getMovements)(({ transactionIds: ids }) => ({
    ok: true,
    value: { transactions: sent.filter(({ transactionId }) => ids.includes(transactionId)).toReversed() },
  }));
};

describe('GET /api/transactions', () => {
  test('has the documented fields, whichever service keeps the transaction', async () => {
    keep([payment], [outgoing]);
    const answer = await get('/api/transactions');
    expect(answer.text).toContain('"amount":0.100000000000000001,"currency":"ETH"');
    expect(answer.body).toEqual({
      transactions: [
        {
          id: 456,
          transaction_id: send.transactionId,
          amount: expect.any(Number),
          currency: 'ETH',
          type: 'settlement',
          status: 'completed',
          description: 'Settlement payment',
          eth_transaction_hash: hash,
          created_at: times.createdAt,
          updated_at: times.updatedAt,
        },
        {
          id: 455,
          transaction_id: payment.transactionId,
          amount: 100,
          currency: 'USD',
          type: 'payment',
          status: 'completed',
          description: 'Payment for services',
          eth_transaction_hash: null,
          created_at: times.createdAt,
          updated_at: times.updatedAt,
        },
      ],
      total: 2,
      limit: 50,
      offset: 0,
    });
  });

  test('pages of any size are the one list of both services, newest first and by number within a moment', async () => {
    const moment = (n: number) => new Date(Date.UTC(2023, 8, 1) - Math.floor(n / 4) * 1_000).toISOString();
    // Numbers are given in the order of creation, the odd ones by one service and the even ones by the other; of the
    // first ten all are of one.
    const numbers = Array.from({ length: 37 }, (_, n) => n);
    const isPayment = (n: number) => n >= 10 && n % 3 !== 0;
    const numberOf = (n: number) => 2 * (100 - n) + (isPayment(n) ? 1 : 0);
    const facts = (n: number) => ({
      number: numberOf(n),
      transactionId: idOf(numberOf(n)),
      createdAt: moment(n),
    });
    keep(
      numbers.filter(isPayment).map((n) => ({ ...payment, ...facts(n) })),
      numbers.filter((n) => !isPayment(n)).map((n) => ({ ...outgoing, ...facts(n) })),
    );
    for (const limit of [1, 5, 12, 50]) {
      const seen: unknown[] = [];
      for (let offset = 0; offset < numbers.length; offset += limit) {
        const { body } = await get(`/api/transactions?limit=${limit}&offset=${offset}`);
        expect(body).toMatchObject({ total: 37, limit, offset });
        seen.push(...(body.transactions as { id: number }[]).map(({ id }) => id));
      }
      expect(seen).toEqual(numbers.map(numberOf));
    }
    // However deep a page is, whoever keeps its rows is asked for those of the page alone.
    gateway.services.reset();
    keep(
      numbers.filter(isPayment).map((n) => ({ ...payment, ...facts(n) })),
      numbers.filter((n) => !isPayment(n)).map((n) => ({ ...outgoing, ...facts(n) })),
    );
    await get('/api/transactions?limit=5&offset=30');
    const rows = [getPayments, getMovements].flatMap((call) => gateway.services.received(call));
    expect(rows.flatMap(({ transactionIds }) => transactionIds)).toHaveLength(5);
  });

  test('filters reach both services: days are whole, an offset skips, a status has its own name there', async () => {
    keep([payment], [outgoing]);
    await get('/api/transactions?status=failed&start_date=2023-09-01&end_date=2023-09-30&limit=5&offset=1');
    const asked = {
      tenantId: partner.tenantId,
      mode: 'sandbox',
      status: 'failed',
      from: '2023-09-01T00:00:00.000Z',
      to: '2023-10-01T00:00:00.000Z',
      limit: 6,
    };
    expect(gateway.services.received(listPayments)).toEqual([asked]);
    expect(gateway.services.received(listMovements)).toEqual([{ ...asked, type: null }]);
  });

  test('the last day there is stands for no end, as in many a client', async () => {
    keep([payment], [outgoing]);
    await get('/api/transactions?start_date=0001-01-01&end_date=9999-12-31');
    expect(gateway.services.received(listPayments)).toMatchObject([{ from: '0001-01-01T00:00:00.000Z', to: null }]);
    await get('/api/transactions?end_date=9998-12-31');
    expect(gateway.services.received(listMovements)[1]).toMatchObject({ from: null, to: '9999-01-01T00:00:00.000Z' });
  });

  test.each([
    ['type=payment', [{ status: null }], []],
    ['type=withdrawal', [], [{ type: 'withdrawal', status: null }]],
    ['type=transfer&status=completed', [], [{ type: 'transfer', status: 'completed' }]],
    ['status=refunded', [{ status: 'refunded' }], [{ type: null, status: 'returned' }]],
    ['type=payment&status=refunded', [{ status: 'refunded' }], []],
    ['type=deposit', [], [{ type: 'deposit', status: null }]],
  ])('%s asks only who can have such', async (query, ofPayments, ofMovements) => {
    keep([payment], [outgoing]);
    const { body } = await get(`/api/transactions?${query}`);
    expect(body.total).toBe(ofPayments.length + ofMovements.length);
    expect(gateway.services.received(listPayments)).toMatchObject(ofPayments);
    expect(gateway.services.received(listMovements)).toMatchObject(ofMovements);
  });

  test('what came back is refunded', async () => {
    keep([], [{ ...outgoing, type: 'transfer', asset: 'USD', amount: 50_000n, status: 'returned', hash: null }]);
    const { body } = await get('/api/transactions?status=refunded');
    expect(body.transactions).toMatchObject([{ type: 'transfer', status: 'refunded', amount: 500 }]);
  });

  test.each([
    ['type', 'type=other'],
    ['status', 'status=done'],
    ['start_date', 'start_date=2023-02-30'],
    ['end_date', 'start_date=2023-02-02&end_date=2023-02-01'],
    ['start_date', 'start_date=0000-01-01'],
    ['start_date', 'start_date=9999-12-31'],
    ['end_date', 'end_date=9999-12-30'],
    ['limit', 'limit=0'],
    ['limit', 'limit=101'],
    ['limit', 'limit=1e1'],
    ['offset', 'offset=-1'],
    ['offset', 'offset=9901'],
  ])('refuses a bad %s: %s', async (field, query) => {
    expect(await get(`/api/transactions?${query}`)).toMatchObject({ status: 400, body: { success: false, field } });
    expect(gateway.services.count()).toBe(0);
  });
});

describe('GET /api/transactions/{id}', () => {
  beforeEach(() => {
    gateway.services.respond(getPayment)(({ transactionId }) =>
      transactionId === payment.transactionId
        ? { ok: true, value: { payment } }
        : { ok: false, rejection: 'payment_not_found' },
    );
    gateway.services.respond(getSend)(({ transactionId }) =>
      transactionId === send.transactionId ? { ok: true, value: { send } } : { ok: false, rejection: 'send_not_found' },
    );
    gateway.services.respond(getInstitutionTransfer)(({ transactionId }) =>
      transactionId === transfer.transactionId
        ? { ok: true, value: { transfer } }
        : { ok: false, rejection: 'transfer_not_found' },
    );
    gateway.services.respond(getMovements)(({ transactionIds: [id] }) => ({
      ok: true,
      value: { transactions: [deposit, outgoing].filter(({ transactionId }) => transactionId === id) },
    }));
  });

  test('tells of a transfer which institution it goes through', async () => {
    expect((await get(`/api/transactions/${transfer.transactionId}`)).body).toMatchObject({
      id: 458,
      type: 'transfer',
      status: 'refunded',
      amount: 500,
      institution_id: 5,
      gateway_id: null,
      blockchain_transaction: null,
    });
  });

  test('tells of a payment which gateway it went through', async () => {
    expect((await get(`/api/transactions/${payment.transactionId}`)).body).toMatchObject({
      id: 455,
      type: 'payment',
      user_id: 123,
      institution_id: null,
      gateway_id: 3,
      blockchain_transaction: null,
    });
  });

  test('tells of a send what the chain has of it, in exact digits', async () => {
    const answer = await get(`/api/transactions/${send.transactionId}`);
    expect(answer.text).toContain('"amount":0.100000000000000001,"gas_used":21000,"gas_price":9007199254740993,');
    expect(answer.body).toMatchObject({
      id: 456,
      type: 'settlement',
      user_id: 123,
      institution_id: null,
      gateway_id: null,
      eth_transaction_hash: hash,
      blockchain_transaction: {
        eth_tx_hash: hash,
        from_address: send.fromAddress,
        to_address: address,
        block_number: 12_345_678,
        status: 'confirmed',
        created_at: send.signedAt,
      },
    });
  });

  test.each([
    ['processing', { status: 'processing', blockNumber: null, gasUsed: null, gasPrice: null }, 'pending'],
    ['failed', { status: 'failed' }, 'failed'],
  ] as const)('a send that is %s is so on the chain', async (status, change, onChain) => {
    gateway.services.respond(getSend)(() => ({ ok: true, value: { send: { ...send, ...change } } }));
    const { body } = await get(`/api/transactions/${send.transactionId}`);
    expect(body).toMatchObject({ status, blockchain_transaction: { status: onChain } });
  });

  test('a send that is not signed yet has no part on the chain', async () => {
    const unsigned = { ...send, status: 'pending' as const, hash: null, useContract: false };
    gateway.services.respond(getSend)(() => ({ ok: true, value: { send: unsigned } }));
    expect((await get(`/api/transactions/${send.transactionId}`)).body).toMatchObject({
      type: 'withdrawal',
      eth_transaction_hash: null,
      blockchain_transaction: null,
    });
  });

  test('tells of a deposit where it came to on the chain', async () => {
    const answer = await get(`/api/transactions/${deposit.transactionId}`);
    expect(answer.text).toContain('"amount":0.100000000000000001,"gas_used":null');
    expect(answer.body).toMatchObject({
      id: 460,
      type: 'deposit',
      status: 'completed',
      description: null,
      eth_transaction_hash: hash,
      user_id: null,
      blockchain_transaction: {
        eth_tx_hash: hash,
        from_address: null,
        to_address: address,
        block_number: 12_345_679,
        status: 'confirmed',
      },
    });
  });

  test.each(['TX1', 'nothing', idOf(1), '%00'])('%s is no transaction', async (id) => {
    const answer = await get(`/api/transactions/${id}`);
    expect(answer).toMatchObject({ status: 404, body: { success: false, code: 'TRANSACTION_NOT_FOUND' } });
  });
});

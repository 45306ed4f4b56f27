import { randomUUID } from 'node:crypto';
import { readEndpoints } from '@daybook/standalone';
import { eventually } from '@daybook/testing';
import { JsonRpcProvider } from 'ethers';
import type { PartnerClient } from './partner-client';
import { differences, jsonOf, reference } from './partner-reference';
import type { PartnerWebhooks } from './partner-webhooks';
import type { Tenant } from './tenant';

const ether = 10n ** 18n;
const fundedWithinMs = 60_000;

/** What goes out: ETH on the development chain, and transfers through institutions. */
export function describePartnerOutgoing(
  client: () => PartnerClient,
  otherTenant: () => Tenant,
  webhooks: () => PartnerWebhooks,
): void {
  let partner: PartnerClient;
  const expectNotFoundByOthers = async (id: string) => {
    const headers = { Authorization: `Bearer ${otherTenant().partnerToken}` };
    for (const example of [reference.details, reference.transferStatus])
      expect(await partner.run(example, { id, headers })).toMatchObject({
        status: 404,
        body: { success: false, code: 'TRANSACTION_NOT_FOUND' },
      });
  };
  /** Before the ledger has anything of it, it is the tenant's. To another it is nobody's. */
  const expectSubjectOfTheTenant = async (id: string) => {
    const path = `/v1/ledger/transactions?subject=${id}`;
    const { apiKey } = partner.daybook.credentials.partner;
    expect([id, (await partner.get(path, { 'X-API-Key': apiKey })).status]).toEqual([id, 200]);
    const answers = await Promise.all([path, `${path}0`].map((each) => partner.get(each, { ...otherTenant().client })));
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 404, body: { code: 'SUBJECT_NOT_FOUND' }, text: answers[1]?.text });
  };
  beforeAll(() => {
    partner = client();
  });

  describe('Ethereum', () => {
    test('the wallet is funded on the chain, and ETH is sent through the contract, once', async () => {
      const { daybook } = partner;
      const chain = new JsonRpcProvider(readEndpoints(daybook.home).evm.rpcUrl, undefined, { batchMaxCount: 1 });
      const recipient = String(jsonOf(reference.send.body).to_address);
      const had = await chain.getBalance(recipient);

      const empty = await partner.run(reference.balance);
      expect([empty.status, ...differences(empty.body, reference.balance.response)]).toEqual([200]);
      expect(empty.text).toContain('"balance_eth":0.00,"balance_wei":"0"');
      const refused = await partner.run(reference.send);
      expect(refused).toMatchObject({ status: 422, body: { success: false, code: expect.any(String) } });

      await daybook.payOnEvm(String(empty.body.address), 'ETH', ether + 1n);
      await eventually(
        async () => {
          const { text } = await partner.run(reference.balance);
          expect(text).toContain('"balance_eth":1.000000000000000001,"balance_wei":"1000000000000000001"');
        },
        { timeoutMs: fundedWithinMs },
      );

      let key = '';
      const send = () => partner.run(reference.send, { headers: { ...partner.bearer, 'Idempotency-Key': key } });
      const sent = await eventually(
        async () => {
          // What came in can be sent once it is final. A request that was refused is none that is repeated.
          key = randomUUID();
          const answer = await send();
          expect([answer.status, answer.text]).toEqual([200, answer.text]);
          return answer;
        },
        { timeoutMs: fundedWithinMs },
      );
      expect(differences(sent.body, reference.send.response, ['eth_transaction_hash'])).toEqual([]);
      expect(sent.body).toMatchObject({ from_address: empty.body.address, amount: 0.1 });
      const id = String(sent.body.transaction_id);
      await expectSubjectOfTheTenant(id);

      const details = await partner.reaches(id, 'completed');
      expect(differences(details.body, reference.details.response, ['institution_id', 'gateway_id'])).toEqual([]);
      expect(details.text).toContain('"amount":0.10,"currency":"ETH","type":"settlement"');
      expect(details.body).toMatchObject({
        description: 'Settlement payment',
        blockchain_transaction: { status: 'confirmed', from_address: empty.body.address, amount: 0.1 },
      });
      await expectNotFoundByOthers(id);
      await webhooks().expectTold(details);
      const hash = String(details.body.eth_transaction_hash);
      expect((await chain.getTransactionReceipt(hash))?.status).toBe(1);
      for (const { status, body } of await Promise.all([send(), send(), send()]))
        expect([status, body.transaction_id, body.status]).toEqual([200, id, 'completed']);
      expect((await chain.getBalance(recipient)) - had).toBe(ether / 10n);
      chain.destroy();

      const deposits = await partner.list('type=deposit');
      expect(deposits).toMatchObject({ transactions: [{ currency: 'ETH', status: 'completed' }], total: 1 });
      const deposit = await partner.run(reference.details, { id: String(deposits.transactions[0]?.transaction_id) });
      expect(deposit.text).toContain('"amount":1.000000000000000001,"currency":"ETH","type":"deposit"');
      expect(deposit.body).toMatchObject({
        blockchain_transaction: { to_address: empty.body.address, from_address: null, status: 'confirmed' },
      });
      await expectNotFoundByOthers(String(deposit.body.transaction_id));
      await webhooks().expectTold(deposit);

      const listed = await partner.list('type=settlement&status=completed');
      const { user_id, institution_id, gateway_id, blockchain_transaction, ...inTheList } = details.body;
      expect([user_id, institution_id, gateway_id]).toEqual([expect.any(Number), null, null]);
      expect(blockchain_transaction).toMatchObject({ eth_tx_hash: hash });
      expect(listed).toMatchObject({ transactions: [inTheList], total: 1 });
      const ops = { Authorization: `Bearer ${daybook.credentials.ops.token}` };
      await eventually(
        async () => {
          const { wallets } = (await daybook.request('GET', '/v1/ops/wallets', { headers: ops })).body;
          expect(wallets).toContainEqual(
            expect.objectContaining({ address: empty.body.address, asset: 'ETH', difference: '0.00', underway: 0 }),
          );
        },
        { timeoutMs: fundedWithinMs },
      );
    }, 150_000);
  });

  describe('transfers', () => {
    const say = async (id: string, outcome: 'settled' | 'returned') => {
      const said = { headers: { ...partner.bearer }, body: { outcome } };
      expect((await partner.daybook.request('POST', `/v1/sandbox/transfers/${id}`, said)).status).toBe(200);
    };

    test('what a payment brought goes out through an institution, and comes back', async () => {
      const paid = await partner.runWithAmount(reference.paymentByStripe, '500.00');
      await expectSubjectOfTheTenant(String(paid.body.transaction_id));
      await partner.decide(String(paid.body.transaction_id), 'succeeded');
      const sent = await eventually(
        async () => {
          // What was paid can be transferred once it is settled.
          const answer = await partner.run(reference.transfer);
          expect([answer.status, answer.text]).toEqual([200, answer.text]);
          return answer;
        },
        { timeoutMs: fundedWithinMs },
      );
      expect(differences(sent.body, reference.transfer.response)).toEqual([]);
      expect(sent.text).toContain('"amount":500.00,"currency":"USD"');
      const id = String(sent.body.transaction_id);
      await expectSubjectOfTheTenant(id);

      await say(id, 'settled');
      const details = await partner.reaches(id, 'completed');
      const notOfTransfers = ['eth_transaction_hash', 'gateway_id', 'blockchain_transaction'];
      expect(differences(details.body, reference.details.response, notOfTransfers)).toEqual([]);
      expect(details.body).toMatchObject({ type: 'transfer', institution_id: 5, amount: 500 });
      const status = await partner.run(reference.transferStatus, { id });
      expect([status.status, ...differences(status.body, reference.transferStatus.response)]).toEqual([200]);
      expect(status.body).toMatchObject({ transfer_id: sent.body.transfer_id, status: 'completed' });

      await expectNotFoundByOthers(id);

      await say(id, 'returned');
      await webhooks().expectTold(await partner.reaches(id, 'refunded'));
      const refunded = await partner.list('type=transfer&status=refunded');
      expect(refunded).toMatchObject({ transactions: [{ transaction_id: id, status: 'refunded' }], total: 1 });
    }, 120_000);
  });
}

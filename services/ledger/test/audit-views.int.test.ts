import { randomUUID } from 'node:crypto';
import { ledgerRig, settled, wallets } from './ledger-rig';

test('the audit views lead from a balance to its entries, their transaction and its journal event', async () => {
  const rig = await ledgerRig();
  await wallets(rig, 1_000n);
  const transferId = randomUUID();
  await rig.calls.accept({ transferId, amount: 250n });
  await settled(rig);
  await rig.calls.listTransactions();

  const { rows: accounts } = await rig.pool.query(
    `select a.account_id, a.posted, a.version, a.available,
            (select balance from audit_entries e where e.mode = a.mode and e.account_id = a.account_id
             order by account_version desc limit 1) as last_balance
     from audit_accounts a where mode = 'sandbox' order by account_id`,
  );
  expect(accounts).toEqual([
    { account_id: 'issuance:TXC', posted: '-1000', version: '1', available: '-1000', last_balance: '-1000' },
    { account_id: 'wallet-alice', posted: '750', version: '2', available: '750', last_balance: '750' },
    { account_id: 'wallet-bob', posted: '250', version: '1', available: '250', last_balance: '250' },
  ]);
  const { rows: lineage } = await rig.pool.query<{ type: string; ledger_reference: string; hash: string }>(
    `select e.account_id, t.cause_type, t.rule, v.type, t.ledger_reference, '0x' || encode(sha256(v.payload), 'hex') as hash
     from audit_entries e
     join audit_transactions t using (mode, sequence)
     join events v on v.stream = 'book-' || e.mode and v.revision = e.sequence
     where t.transaction_id = $1 order by entry_index`,
    [transferId],
  );
  expect(lineage).toMatchObject([
    { account_id: 'wallet-alice', cause_type: 'transfer', rule: 'transfer@1', type: 'TransferConfirmed' },
    { account_id: 'wallet-bob', cause_type: 'transfer', rule: 'transfer@1', type: 'TransferConfirmed' },
  ]);
  for (const { ledger_reference, hash } of lineage) expect(ledger_reference).toBe(hash);
  await rig.close();
});

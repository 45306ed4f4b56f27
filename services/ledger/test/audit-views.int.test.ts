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

test('another release replaces the audit views where they stand, so that what others have built upon them stays', async () => {
  const rig = await ledgerRig();
  await wallets(rig, 1_000n);
  const definitions = async () =>
    (
      await rig.pool.query(
        `select oid, relname, reloptions, relacl::text, pg_get_viewdef(oid) as text, obj_description(oid) as comment,
                array(select col_description(oid, attnum) from pg_attribute where attrelid = oid and attnum > 0) as columns
         from pg_class where relkind = 'v' and relname like 'audit\\_%' order by relname`,
      )
    ).rows as unknown[];
  const made = await definitions();
  await rig.pool.query(`create schema reports; create view reports.daily as select * from ledger.audit_entries`);
  await rig.pool.query(`comment on view audit_entries is 'of another release'`);
  await rig.pool.query(`update projection_generations set views = 'of another release'`);
  await rig.restart();
  expect(await definitions()).toEqual(made);
  await rig.calls.listTransactions();
  expect((await rig.pool.query('select from reports.daily')).rowCount).toBe(2);
  await rig.close();
});

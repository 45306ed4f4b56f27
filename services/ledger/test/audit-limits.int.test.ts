/** The audit functions at the limits of their questions: without one, at the last that is answered and the first that is not. */
import { auditRig, moved, opened, posted, type AuditRig } from './audit-rig';

const noon = (day: number) => `2026-05-${String(day).padStart(2, '0')}T12:00:00.000Z`;

describe('the audit functions', () => {
  let rig: AuditRig;

  beforeAll(async () => {
    rig = await auditRig();
    await rig.record([
      opened('house', noon(1), { accountType: 'asset' }),
      opened('wallet', noon(1)),
      opened('idle', noon(1)),
      posted('first', moved('house', 'wallet', 100n), noon(2)),
      posted('second', moved('wallet', 'house', 30n), noon(4)),
    ]);
    await rig.record([
      // Happened before the first one, and is recorded last.
      posted('late', moved('house', 'wallet', 5n), noon(6), { effectiveAt: noon(1) }),
    ]);
  });
  afterAll(() => rig.close());

  const ask = async (call: string) => (await rig.pool.query<Record<string, unknown>>(`select * from ${call}`)).rows;
  const refusal = async (call: string) => {
    const answer = await ask(call).catch((error: { code: string; message: string }) => error);
    return Array.isArray(answer) ? answer : [answer.code, answer.message];
  };
  const lines = async (days: string) =>
    (await ask(`audit_statement('sandbox', 'wallet', ${days})`)).map(({ what, balance }) => [what, balance]);
  const days = async (between: string) =>
    (await ask(`audit_daily_balances_between('sandbox', 'wallet', ${between})`)).map(({ closing }) => closing);
  const transactions = async (between: string) =>
    (await ask(`audit_entries_between('sandbox', 'wallet', ${between})`)).map((row) => row['transaction_id']);
  const sequences = async (between: string) =>
    (await ask(`audit_journal_between('sandbox', ${between})`)).map(({ sequence }) => sequence);

  const late = ['entry', '5'];
  const first = ['entry', '105'];
  const second = ['entry', '75'];

  test.each([
    ['null, null', [['opening', '0'], late, first, second, ['closing', '75']]],
    [`'-infinity', 'infinity'`, [['opening', '0'], late, first, second, ['closing', '75']]],
    [`'2026-05-02', null`, [['opening', '5'], first, second, ['closing', '75']]],
    [`null, '2026-05-02'`, [['opening', '0'], late, first, ['closing', '105']]],
    [
      `null, null, 'Asia/Kathmandu', '${noon(5)}'`,
      [
        ['opening', '0'],
        ['entry', '100'],
        ['entry', '70'],
        ['closing', '70'],
      ],
    ],
  ])('a statement of the days %s goes from its opening by its entries to its closing', async (between, expected) => {
    expect(await lines(between)).toEqual(expected);
  });

  test.each([
    ['null, null', ['5', '105', '105', '75']],
    [`'-infinity', 'infinity'`, ['5', '105', '105', '75']],
    [`'2026-05-03', null`, ['105', '75']],
    [`null, '2026-05-02'`, ['5', '105']],
    [`null, null, 'UTC', '${noon(5)}'`, ['100', '100', '70']],
    // By the clocks of Kiritimati it is the next day by then.
    [`null, '2026-05-03', 'Pacific/Kiritimati'`, ['5', '105']],
    [`'infinity', null`, []],
  ])('days without limit are those with entries: %s', async (between, expected) => {
    expect(await days(between)).toEqual(expected);
  });

  test('an account without entries has no days without limit, and a statement of nothing', async () => {
    expect(await ask(`audit_daily_balances_between('sandbox', 'idle', null, null)`)).toEqual([]);
    const statement = await ask(`audit_statement('sandbox', 'idle', null, null)`);
    expect(statement.map(({ what, balance }) => [what, balance])).toEqual([
      ['opening', '0'],
      ['closing', '0'],
    ]);
  });

  test('entries between moments of null are all, and the first moment is included and the second is not', async () => {
    expect(await transactions('null, null')).toEqual(['late', 'first', 'second']);
    expect(await transactions(`'${noon(2)}', null`)).toEqual(['first', 'second']);
    expect(await transactions(`null, '${noon(4)}'`)).toEqual(['late', 'first']);
    expect(await transactions(`'${noon(4)}', '${noon(4)}'`)).toEqual([]);
  });

  test('events of the journal between sequences of null are all', async () => {
    const role = (await rig.pool.query<{ name: string }>('select session_user::text as name')).rows[0]!.name;
    await rig.pool.query('select register_auditor($1, null)', [role]);
    expect(await sequences('null, null')).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(await sequences('0, null')).toHaveLength(6);
    expect(await sequences('null, 1')).toEqual(['0', '1']);
    expect(await sequences('-9223372036854775808, 9223372036854775807')).toHaveLength(6);
    expect(await sequences('5, 5')).toEqual(['5']);
    expect(await refusal(`audit_journal_between('sandbox', 5, 4)`)).toEqual(['22023', 'last must not be before first']);
    await rig.pool.query('select unregister_auditor($1)', [role]);
    expect(await sequences('null, null')).toEqual([]);
  });

  test.each(["'infinity'", "'294276-12-31'", "'3084-12-12T12:41:28.831Z'", "'3084-12-12T12:41:28.832Z'", 'null'])(
    'as of %s the balances are those of now',
    async (moment) => {
      const now = await ask(`audit_balances_as_of('sandbox') order by account_id`);
      expect(now.map(({ posted: balance }) => balance)).toEqual(['75', '0', '75']);
      expect(await ask(`audit_balances_as_of('sandbox', ${moment}) order by account_id`)).toEqual(now);
      expect(await ask(`audit_balances_as_of('sandbox', ${moment}, 'infinity') order by account_id`)).toEqual(now);
      expect(await ask(`audit_totals_as_of('sandbox', 'wallet', ${moment})`)).toMatchObject([{ posted: '75' }]);
      expect(await ask(`audit_trial_balance_as_of('sandbox', ${moment})`)).toMatchObject([
        { net: '75' },
        { net: '-75' },
      ]);
    },
  );

  test.each(["'-infinity'", "'4713-01-01 BC'", "'1970-01-01'"])('as of %s every balance is zero', async (moment) => {
    const then = await ask(`audit_balances_as_of('sandbox', ${moment})`);
    expect(then.map(({ posted: balance }) => balance)).toEqual(['0', '0', '0']);
    expect(await ask(`audit_totals_as_of('sandbox', 'wallet', ${moment})`)).toMatchObject([{ posted: '0' }]);
  });

  test.each(['audit_statement', 'audit_daily_balances_between'])(
    '%s refuses days that are the wrong way round, and no zone',
    async (name) => {
      const call = (rest: string) => `${name}('sandbox', 'wallet', ${rest})`;
      expect((await ask(call(`'2026-05-02', '2026-05-02'`))).length).toBeGreaterThan(0);
      const reversed = ['22023', 'last_day must not be before first_day'];
      expect(await refusal(call(`'2026-05-02', '2026-05-01'`))).toEqual(reversed);
      expect(await refusal(call(`null, null, null`))).toEqual(['22004', 'zone must not be null']);
      expect(await refusal(call(`'2026-05-01', '2026-05-02', null`))).toEqual(['22004', 'zone must not be null']);
    },
  );

  test('entries between moments that are the wrong way round are refused', async () => {
    const reversed = ['22023', 'effective_to must not be before effective_from'];
    expect(await refusal(`audit_entries_between('sandbox', 'wallet', '${noon(2)}', '${noon(1)}')`)).toEqual(reversed);
  });
});

test('a ceiling that a fact has crossed bounds what is posted, whatever is held of it since', async () => {
  const rig = await auditRig();
  await rig.record([
    opened('house', noon(1), { accountType: 'asset' }),
    opened('capped', noon(1), { ceiling: 100n }),
    posted('fact', moved('house', 'capped', 150n), noon(2), { ceilingBreaches: ['capped'] }),
    {
      type: 'HoldPlaced',
      holdId: 'hold',
      contentHash: 'hold',
      tenantId: null,
      accountId: 'capped',
      asset: 'TXC',
      amount: 60n,
      expiresAt: null,
      metadata: null,
      actor: 'operator',
      at: noon(3),
    },
  ]);
  const { rows } = await rig.pool.query(
    'select crossed, limit_now, available_now, posted_now from audit_limit_breaches order by sequence',
  );
  expect(rows).toEqual([{ crossed: 'ceiling', limit_now: '100', available_now: '90', posted_now: '150' }]);
  await rig.close();
});

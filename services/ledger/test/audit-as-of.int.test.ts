import { dailyBalances, statement, type AuditBalances } from '../src/app/audit-balances';
import { entriesPage, type AuditLists } from '../src/app/audit-lists';
import { effectOf, type AccountType, type Entry } from '../src/domain/account';
import type { BookEvent } from '../src/domain/book-events';
import { auditBalances } from '../src/projections/audit-balances';
import { auditLists } from '../src/projections/audit-lists';
import { auditRig, opened, posted, randomFrom, type AuditRig } from './audit-rig';

const hour = 3_600_000;
const day = 24 * hour;
/** Around the night in which Berlin's clocks go forward. */
const begin = Date.parse('2026-03-10T00:00:00.000Z');
const iso = (ms: number) => new Date(ms).toISOString();
const at = (ms: number | null) => (ms === null ? null : iso(ms));

type Known = Entry & { readonly effective: number; readonly recorded: number };
const types: readonly AccountType[] = ['asset', 'liability', 'income', 'expense', 'equity'];
const accounts = Array.from({ length: 25 }, (_, index) => ({ id: `account-${index}`, type: types[index % 5]! }));

/** Three in ten are late: by moments, hours or weeks. Several are recorded in the same millisecond. */
function history(seed: number, transactions: number): { events: BookEvent[]; entries: Known[]; end: number } {
  const random = randomFrom(seed);
  const below = (max: number) => Math.floor(random() * max);
  let now = begin;
  const events: BookEvent[] = accounts.map(({ id, type }) => opened(id, iso(now), { accountType: type }));
  const entries: Known[] = [];
  for (let index = 0; index < transactions; index++) {
    now += random() < 0.3 ? 0 : below(0.6 * hour);
    const late = random() < 0.3 ? below([5, 5_000, 3 * hour, 9 * hour, 20 * day][below(5)]!) : 0;
    const legs: Entry[] = [];
    for (let pair = 0; pair <= below(2); pair++) {
      const amount = BigInt(1 + below(1_000));
      // One account is hot, and both sides may be the same.
      const account = () => accounts[random() < 0.3 ? 0 : below(accounts.length)]!.id;
      legs.push({ accountId: account(), asset: 'TXC', direction: 'debit', amount });
      legs.push({ accountId: account(), asset: 'TXC', direction: 'credit', amount });
    }
    events.push(posted(`t-${index}`, legs, iso(now), { effectiveAt: iso(now - late) }));
    for (const leg of legs) entries.push({ ...leg, effective: now - late, recorded: now });
  }
  return { events, entries, end: now };
}

/** The definition: what happened by then, of what was known by then. */
function naive(entries: readonly Known[], asOf: number, knownAt: number) {
  let [debits, credits, count] = [0n, 0n, 0];
  for (const { effective, recorded, direction, amount } of entries) {
    if (effective > asOf || recorded > knownAt) continue;
    if (direction === 'debit') debits += amount;
    else credits += amount;
    count += 1;
  }
  return { debits, credits, count };
}

describe('the books by two clocks', () => {
  const { events, entries, end } = history(20_260_310, 4_000);
  const of = new Map(accounts.map(({ id }) => [id, entries.filter(({ accountId }) => accountId === id)]));
  let rig: AuditRig;
  let balances: AuditBalances;
  let lists: AuditLists;

  beforeAll(async () => {
    rig = await auditRig();
    await rig.record(events);
    balances = auditBalances(rig.pool);
    lists = auditLists(rig.pool);
  });
  afterAll(() => rig.close());

  test('a balance at 10,000 random moments is the naive fold', async () => {
    const random = randomFrom(7);
    const span = end - begin + 4 * day;
    const moment = () => begin - 2 * day + Math.floor(random() * span);
    /** Also moments at which something happened, and the one before. */
    const near = () => {
      const { effective, recorded } = entries[Math.floor(random() * entries.length)]!;
      return (random() < 0.5 ? effective : recorded) - Math.floor(random() * 2);
    };
    const clock = () => [moment, near, () => null][Math.floor(random() * 2.2)]!();
    const points = Array.from({ length: 10_000 }, () => ({
      account: accounts[Math.floor(random() * accounts.length)]!,
      asOf: clock(),
      knownAt: clock(),
    }));
    const { rows } = await rig.pool.query<{ posted: string; debits: string; credits: string; entries: string }>(
      `select t.posted, t.debits, t.credits, t.entries
       from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) with ordinality as p (account, as_of, known_at, n)
       cross join lateral audit_totals_as_of('sandbox', p.account, p.as_of, p.known_at) t order by p.n`,
      [
        points.map(({ account }) => account.id),
        points.map(({ asOf }) => at(asOf)),
        points.map(({ knownAt }) => at(knownAt)),
      ],
    );
    const wrong = points.filter(({ account, asOf, knownAt }, index) => {
      const expected = naive(of.get(account.id)!, asOf ?? Infinity, knownAt ?? Infinity);
      const normal = account.type === 'asset' || account.type === 'expense';
      const posted = normal ? expected.debits - expected.credits : expected.credits - expected.debits;
      const row = rows[index]!;
      const said = [row.posted, row.debits, row.credits, row.entries].join();
      return said !== [posted, expected.debits, expected.credits, expected.count].join();
    });
    expect(rows).toHaveLength(10_000);
    expect(wrong).toEqual([]);
  });

  test('a trial balance at a moment is the sum of the balances, and of zero', async () => {
    const query = { mode: 'sandbox', tenantId: null } as const;
    for (const [asOf, knownAt] of [
      [null, null],
      [begin + 12 * day, null],
      [null, begin + 12 * day],
      [begin + 12 * day, begin + 20 * day],
      [begin + 20 * day, begin + 12 * day],
    ] as const) {
      const clocks = { asOf: at(asOf), knownAt: at(knownAt) };
      const { lines, watermark } = await balances.findTrialBalance({ ...query, ...clocks });
      const expected = types.toSorted().map((type) => {
        const some = accounts.filter((account) => account.type === type).flatMap(({ id }) => of.get(id)!);
        const { debits, credits } = naive(some, asOf ?? Infinity, knownAt ?? Infinity);
        return { asset: 'TXC', type, accounts: 5, debits, credits, net: debits - credits };
      });
      expect(lines).toEqual(expected);
      expect(lines.reduce((sum, { net }) => sum + net, 0n)).toBe(0n);
      expect(watermark).toEqual({ sequence: events.length - 1, at: events.at(-1)!.at });
    }
  });

  const inMarch = { mode: 'sandbox', tenantId: null, accountId: 'account-0', knownAt: null } as const;

  test.each(['US/Pacific-New', 'Canada/East-Saskatchewan', 'SystemV/PST8', 'IST', '+02:00', 'Mars/Base'])(
    'the time zone %s is refused, also where only Postgres does not know it',
    async (timeZone) => {
      const request = { ...inMarch, timeZone, from: '2026-03-28', to: '2026-04-01' };
      const refused = { ok: false, rejection: 'time_zone_unknown' };
      expect(await dailyBalances(balances)(request)).toEqual(refused);
      expect(await statement(balances)({ ...request, limit: 7, cursor: null })).toEqual(refused);
    },
  );

  test.each([
    ['CET', 'Europe/Brussels'],
    ['GB', 'Europe/London'],
    ['EST', 'America/Panama'],
    ['Japan', 'Asia/Tokyo'],
    ['GMT', 'UTC'],
  ])('a day begins in %s when it does in %s, in summer too', async (name, place) => {
    const daysIn = (timeZone: string) =>
      dailyBalances(balances)({ ...inMarch, timeZone, from: '2026-03-28', to: '2026-04-01' });
    expect(await daysIn(name)).toMatchObject({ ok: true });
    expect(await daysIn(name)).toEqual(await daysIn(place));
    const entries = { ...inMarch, from: '2026-07-01', to: '2026-07-02', limit: 1, cursor: null };
    const of = await Promise.all([name, place].map((timeZone) => statement(balances)({ ...entries, timeZone })));
    expect(of[0]).toEqual(of[1]);
  });

  test.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'])(
    "a day's closing is the next one's opening, in %s",
    async (timeZone) => {
      const request = { mode: 'sandbox', tenantId: null, accountId: 'account-0', timeZone, knownAt: null } as const;
      const answer = await dailyBalances(balances)({ ...request, from: '2026-03-01', to: '2026-05-01' });
      if (!answer.ok) throw new Error(answer.rejection);
      const { days } = answer.value;
      expect(days).toHaveLength(61);
      for (const [index, { day: date, opening, debits, credits, closing }] of days.entries()) {
        expect([date, opening]).toEqual([date, days[index - 1]?.closing ?? opening]);
        expect([date, closing - opening]).toEqual([date, debits - credits]);
      }
      // A statement of some of them says the same, and so do its pages.
      const [from, to] = ['2026-03-28', '2026-04-01'];
      const first = days.find(({ day: date }) => date === from)!;
      const last = days.find(({ day: date }) => date === '2026-03-31')!;
      const shown = await pagesOf(balances, { ...request, from, to, limit: 7 });
      expect(shown[0]).toMatchObject({ opening: first.opening, closing: last.closing });
      const lines = shown.flatMap(({ entries: page }) => page);
      expect(lines).toHaveLength(shown[0]!.entryCount);
      const [starts, ends] = [Date.parse(shown[0]!.from), Date.parse(shown[0]!.to)];
      const inside = of.get('account-0')!.filter(({ effective }) => effective >= starts && effective < ends);
      expect(lines.map(({ effectiveAt }) => effectiveAt)).toEqual(
        inside.map(({ effective }) => iso(effective)).toSorted(),
      );
      let balance = first.opening;
      for (const line of lines) {
        balance += effectOf(line, 'asset');
        expect(line.statementBalance).toBe(balance);
      }
      expect(balance).toBe(last.closing);
    },
  );

  test('the views of SQL say the same: days, a statement, and what was late', async () => {
    const { rows: days } = await rig.pool.query<{ day: string; opening: string; closing: string; entries: string }>(
      `select to_char(v.day, 'YYYY-MM-DD') as day, v.opening, v.closing, v.entries,
              row (v.opening, v.debits, v.credits, v.closing, v.entries)
                = row (f.opening, f.debits, f.credits, f.closing, f.entries) as same
       from audit_daily_balances v
       cross join lateral audit_daily_balances_between(v.mode, v.account_id, v.day, v.day) f`,
    );
    expect(days.length).toBeGreaterThan(500);
    expect(days.filter((row) => !(row as { same?: boolean }).same)).toEqual([]);
    const { rows: lines } = await rig.pool.query<{ what: string; balance: string }>(
      `select what, balance from audit_statement('sandbox', 'account-3', '2026-03-20', '2026-03-30', 'Europe/Berlin')`,
    );
    expect(lines[0]?.what).toBe('opening');
    expect(lines.at(-1)).toEqual({ what: 'closing', balance: lines.at(-2)?.balance });
    const { rows: late } = await rig.pool.query<{ count: string }>('select count(*) from audit_late_entries');
    expect(Number(late[0]?.count)).toBe(entries.filter(({ effective, recorded }) => effective < recorded).length);
  });

  test('pages of entries give each one once while others are recorded', async () => {
    const page = entriesPage(lists);
    const request = {
      mode: 'sandbox',
      tenantId: null,
      accountId: 'account-0',
      asOf: null,
      knownAt: null,
      effectiveFrom: iso(begin + 5 * day),
      effectiveTo: iso(begin + 9 * day),
      recordedFrom: null,
      recordedTo: null,
      metadata: {},
      limit: 37,
    } as const;
    const seen: string[] = [];
    let recorded = 0;
    for (let cursor: string | null = null; ; recorded++) {
      const answer = await page({ ...request, cursor });
      if (!answer.ok) throw new Error(answer.rejection);
      seen.push(...answer.value.entries.map(({ sequence, entryIndex }) => `${sequence}/${entryIndex}`));
      cursor = answer.value.nextCursor;
      if (cursor === null) break;
      const legs: Entry[] = [
        { accountId: 'account-0', asset: 'TXC', direction: 'debit', amount: 1n },
        { accountId: 'account-1', asset: 'TXC', direction: 'credit', amount: 1n },
      ];
      if (recorded < 3) {
        const effectiveAt = iso(begin + 6 * day);
        await rig.record([posted(`meanwhile-${recorded}`, legs, iso(end + recorded), { effectiveAt })]);
      }
    }
    expect(new Set(seen).size).toBe(seen.length);
    const then = of
      .get('account-0')!
      .filter(({ effective }) => effective >= begin + 5 * day && effective < begin + 9 * day);
    expect(then.length).toBeGreaterThan(100);
    expect(seen).toHaveLength(then.length + Math.min(recorded, 3));
    expect(await page({ ...request, cursor: 'bm90IG91cnM' })).toEqual({ ok: false, rejection: 'cursor_invalid' });
  });

  test.each([
    ['in its millisecond', null, 0],
    ['before the moment that was asked for', iso(end + 400 * day), 1],
  ])(
    'pages of a statement show what the first one knew, and not what is recorded %s',
    async (_when, knownAt, apart) => {
      const [from, to] = [iso(begin).slice(0, 10), iso(end + day).slice(0, 10)];
      const asked = {
        mode: 'sandbox',
        tenantId: null,
        accountId: 'account-2',
        from,
        to,
        timeZone: 'UTC',
        knownAt,
      } as const;
      const [whole] = await pagesOf(balances, { ...asked, limit: 10_000 });
      const { at: now } = whole!.watermark;
      let brought = 0;
      const pages = await pagesOf(balances, { ...asked, limit: 50 }, async () => {
        const legs = [entry('account-2', 'debit'), entry('account-7', 'credit')];
        const then = iso(Date.parse(now!) + brought * apart);
        const events = [then, whole!.entries[0]!.effectiveAt, iso(end - 3 * day)].map((effectiveAt) =>
          posted(`${apart}-${brought++}`, legs, then, { effectiveAt }),
        );
        await rig.record(events);
      });
      expect(brought).toBeGreaterThan(10);
      expect(pages.flatMap(({ entries: page }) => page)).toEqual(whole!.entries);
      const { opening, closing, debits, credits, entryCount } = whole!;
      for (const page of pages) expect(page).toMatchObject({ opening, closing, debits, credits, entryCount });
      const [after] = await pagesOf(balances, { ...asked, limit: 10_000 });
      expect(after).toMatchObject({ entryCount: entryCount + brought, closing: closing - BigInt(brought) });
    },
  );
});

describe('days where clocks show midnight twice', () => {
  let rig: AuditRig;

  beforeAll(async () => {
    rig = await auditRig();
    const legs = [entry('house', 'debit'), entry('customer', 'credit')];
    // On the Azores it is 00:30 of the 26th at both moments, in Havana 00:30 of the 2nd.
    const moments = ['2025-10-26T00:30', '2025-10-26T01:30', '2025-11-02T04:30', '2025-11-02T05:30'];
    const twice = moments.map((moment) => posted(moment, legs, `${moment}:00.000Z`));
    await rig.record([opened('house', iso(begin - 365 * day), { accountType: 'asset' })]);
    await rig.record([opened('customer', iso(begin - 365 * day)), ...twice]);
  });
  afterAll(() => rig.close());

  test.each([
    ['Atlantic/Azores', '2025-10-25', '2025-10-26', '2025-10-27', '2025-10-26T00:00:00.000Z', 0n],
    ['America/Havana', '2025-11-01', '2025-11-02', '2025-11-03', '2025-11-02T04:00:00.000Z', 2n],
  ])('a day begins at the first of both, in %s', async (timeZone, before, from, to, starts, opening) => {
    const balances = auditBalances(rig.pool);
    const asked = { mode: 'sandbox', tenantId: null, accountId: 'customer', timeZone, knownAt: null } as const;
    const closing = opening + 2n;
    const days = await dailyBalances(balances)({ ...asked, from: before, to });
    expect(days).toMatchObject({
      value: {
        days: [
          { day: before, closing: opening },
          { day: from, opening, closing },
        ],
      },
    });
    const [page] = await pagesOf(balances, { ...asked, from, to, limit: 10 });
    expect(page).toMatchObject({ from: starts, opening, closing, entryCount: 2 });
    const { rows } = await rig.pool.query<{ effective_at: Date; balance: string }>(
      `select effective_at, balance from audit_statement('sandbox', 'customer', $1, $1, $2)`,
      [from, timeZone],
    );
    expect(rows.map(({ balance }) => BigInt(balance))).toEqual([opening, opening + 1n, closing, closing]);
    expect(rows[0]?.effective_at.toISOString()).toBe(starts);
  });

  test('the days without limit begin with nothing', async () => {
    const { rows } = await rig.pool.query<{ day: string; opening: string; entries: string }>(
      `select to_char(day, 'YYYY-MM-DD') as day, opening, entries
       from audit_daily_balances_between('sandbox', 'customer', null, '2025-10-26', 'Atlantic/Azores')`,
    );
    expect(rows).toEqual([{ day: '2025-10-26', opening: '0', entries: '2' }]);
  });
});

const entry = (accountId: string, direction: Entry['direction']): Entry => ({
  accountId,
  asset: 'TXC',
  direction,
  amount: 1n,
});

type StatementRequest = Omit<Parameters<ReturnType<typeof statement>>[0], 'cursor'>;

/** `meanwhile` after each page but the last. */
async function pagesOf(balances: AuditBalances, request: StatementRequest, meanwhile = async () => {}) {
  const pages = [];
  for (let cursor: string | null = null; ;) {
    const answer = await statement(balances)({ ...request, cursor });
    if (!answer.ok) throw new Error(answer.rejection);
    pages.push(answer.value);
    cursor = answer.value.nextCursor;
    if (cursor === null) return pages;
    await meanwhile();
  }
}

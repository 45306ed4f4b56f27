import { getJob, issueFunds, openAccount, startJob } from '@daybook/contracts';
import { callClient } from '@daybook/http';
import { Secret } from '@daybook/runtime';
import { eventually, expectBooksBalance, testDatabase, testLogger } from '@daybook/testing';
import { randomBytes, randomUUID } from 'node:crypto';
import type { CheckReport } from '../src/app/check/findings';
import { loadConfig } from '../src';
import { createService } from '../src/service';
import { alice } from './check-history';

test('the service checks its own books and read models while it runs, and says so in its metrics', async () => {
  const database = await testDatabase();
  const { logger, lines } = testLogger();
  const fatal: unknown[] = [];
  const token = 'internal-token-of-the-check-of-the-ledger';
  const config = loadConfig({
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    PERSONAL_DATA_KEY: randomBytes(32).toString('base64'),
  });
  const service = createService(config, { logger, onFatal: (error) => fatal.push(error) });
  const { url } = await service.start();
  const call = callClient({ baseUrl: url, token: new Secret(token) });
  const account = { mode: 'sandbox', accountId: 'wallet-alice', asset: 'TXC' } as const;
  const opened = { ...account, tenantId: alice, type: 'liability', floor: 0n } as const;
  expect(await call(openAccount, opened)).toMatchObject({ ok: true });
  const issued = { ...account, transactionId: randomUUID(), amount: 100n };
  expect(await call(issueFunds, issued)).toMatchObject({ ok: true });

  const jobId = randomUUID();
  const asked = {
    jobId,
    mode: 'sandbox',
    job: { kind: 'check', parameters: { incremental: false } },
    actor: 'operator',
  };
  expect(await call(startJob, asked as never)).toMatchObject({ ok: true, value: { replayed: false } });
  expect(await call(startJob, asked as never)).toMatchObject({ ok: true, value: { replayed: true } });
  const other = { ...asked, job: { kind: 'check', parameters: { incremental: true } } };
  expect(await call(startJob, other as never)).toEqual({ ok: false, rejection: 'id_reused' });
  const job = { mode: 'sandbox', kind: 'check', jobId } as const;
  const report = await eventually(
    async () => {
      const answer = await call(getJob, job);
      if (!answer.ok || answer.value.job.finishedAt === null) throw new Error('the check is not over');
      expect(answer.value.job).toMatchObject({ status: 'succeeded', requestedBy: 'operator' });
      return answer.value.job.report as unknown as CheckReport;
    },
    { timeoutMs: 15_000 },
  );
  expect(report).toMatchObject({ status: 'CLEAN', scope: 'full' });
  expect(report.watermarks?.sandbox.journal).toBeGreaterThanOrEqual(3);
  expect(await call(getJob, { ...job, mode: 'live' })).toEqual({ ok: false, rejection: 'job_not_found' });
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
    /daybook_check_clean\{scope="full",service="ledger"\} 1/,
  );

  await expectBooksBalance({ ledger: database.pool('ledger') });
  await call.stop();
  await service.stop();
  await database.drop();
  expect(fatal).toEqual([]);
  expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
});

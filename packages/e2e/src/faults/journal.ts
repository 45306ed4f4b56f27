/** What the harness reads of the databases by itself, past the services. */
import { Client } from 'pg';
import type { JournalEvent } from './model';

export async function withDatabase<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

export async function readJournal(url: string): Promise<readonly JournalEvent[]> {
  return withDatabase(url, async (client) => {
    const { rows } = await client.query<{ type: string; payload: Buffer }>(
      `select type, payload from ledger.events where stream = 'book-sandbox' order by revision`,
    );
    return rows.map(({ type, payload }) => ({
      type,
      data: JSON.parse(payload.toString('utf8')) as Record<string, unknown>,
    }));
  });
}

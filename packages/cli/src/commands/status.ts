import { exitCodes } from '../exit-codes';
import type { Json } from '../api';
import { renderTable } from '../table';
import { asking, listOf, printJson, type Context, type Register } from './context';

export const registerStatus: Register = (program, terminal, finish) => {
  asking(
    program.command('status').description('services, books, readers of the journal, parked messages, last check'),
    terminal,
    finish,
    status,
  );
};

async function status({ api, terminal, json }: Context) {
  const [now, checks, replays, chains] = await Promise.all([
    api.get('/v1/ops/status'),
    api.get('/v1/ops/checks', { limit: 1 }),
    api.get('/v1/ops/replays', { limit: 1 }),
    api.get('/v1/ops/chains').catch(() => ({ chains: [] })),
  ]);
  const [lastCheck = null] = listOf(checks, 'jobs');
  const [lastReplay = null] = listOf(replays, 'jobs');
  const whole: Json = { ...now, chains: chains.chains, last_check: lastCheck, last_replay: lastReplay };
  if (json) printJson(terminal, whole);
  else terminal.out(render(whole));
  const services = listOf(now, 'services');
  return services.every(({ ready }) => ready === true) ? exitCodes.ok : exitCodes.negative;
}

function render(whole: Json): string {
  const books = (whole.books ?? []) as readonly Json[];
  const readers = (whole.readers ?? []) as readonly Json[];
  const checkpointOf = (book: Json) => book.last_checkpoint as Json | null;
  const parts = [
    renderTable<Json>(
      [
        { title: 'SERVICE', of: ({ name }) => name },
        { title: 'READY', of: ({ ready }) => (ready === true ? 'yes' : 'no') },
      ],
      listOf(whole, 'services'),
    ),
    renderTable<Json>(
      [
        { title: 'BOOK', of: ({ mode }) => mode },
        { title: 'EVENTS', right: true, of: ({ events }) => events },
        { title: 'SIGNED', right: true, of: (book) => checkpointOf(book)?.size ?? 0 },
        { title: 'LAST CHECKPOINT', of: (book) => checkpointOf(book)?.signed_at },
      ],
      books,
    ),
    renderTable<Json>(
      [
        { title: 'READER OF THE JOURNAL', of: ({ name }) => name },
        { title: 'APPLIED', right: true, of: ({ applied }) => applied },
        { title: 'LAG', right: true, of: ({ lag }) => lag },
        { title: 'MOVED', of: ({ moved_at: movedAt }) => movedAt },
      ],
      readers,
    ),
    renderTable<Json>(
      [
        { title: 'CHAIN', of: ({ chain }) => chain },
        { title: 'LAG', right: true, of: ({ lag_blocks: lag }) => lag },
        { title: 'ERROR', of: ({ error }) => error },
      ],
      (whole.chains ?? []) as readonly Json[],
    ),
    `parked keys  ${whole.parked_keys === null ? 'unknown' : String(whole.parked_keys)}\n` +
      `last check   ${describeJob(whole.last_check as Json | null)}\n` +
      `last replay  ${describeJob(whole.last_replay as Json | null)}\n`,
  ];
  return parts.join('\n');
}

function describeJob(job: Json | null): string {
  if (job === null) return 'never';
  return `${String(job.status)} at ${String(job.finished_at ?? job.started_at ?? job.requested_at)} (${String(job.id)})`;
}

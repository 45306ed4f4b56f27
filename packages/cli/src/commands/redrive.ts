import { z } from 'zod';
import { RefusedError, type Api } from '../api';
import { CliError, exitCodes } from '../exit-codes';
import { printable, renderTable } from '../table';
import { asking, printJson, type Context, type Register } from './context';

type Options = {
  readonly service?: string;
  readonly group?: string;
  readonly key?: string;
  readonly all?: true;
};

export const registerRedrive: Register = (program, terminal, finish) => {
  const command = program
    .command('redrive')
    .description('handle parked messages again; without --key or --all, list them')
    .option('--service <service>', 'of this service')
    .option('--group <group>', 'of this consumer')
    .option('--key <key>', 'of this key')
    .option('--all', 'all that the list shows');
  asking(command, terminal, finish, redrive);
};

const parkedAt = { service: z.string(), group: z.string(), key: z.string() };
const parkedKey = z.looseObject({
  ...parkedAt,
  messages: z.number(),
  first_parked_at: z.string(),
  cause: z.string().nullable(),
});
const parkedKeys = z.looseObject({
  parked: z.array(parkedKey),
  more: z.boolean(),
  unavailable: z.array(z.string()),
});
const redriven = z.looseObject({
  ...parkedAt,
  handled: z.number(),
  still_parked: z.number(),
  cause: z.string().nullable(),
});
type ParkedKey = z.output<typeof parkedKey>;
type Redriven = z.output<typeof redriven>;

async function redrive({ api, terminal, json }: Context, { service, group, key, all }: Options) {
  const filter = { service, group, key, limit: 100 };
  const listed = await api.get('/v1/ops/parked', parkedKeys, filter);
  const { parked } = listed;
  const unavailable = listed.unavailable.filter((name) => service === undefined || name === service);
  if (key === undefined && all !== true) {
    if (json) printJson(terminal, listed);
    else terminal.out(parked.length === 0 ? 'nothing is parked\n' : renderParked(parked));
    return unavailable.length > 0 ? exitCodes.incomplete : exitCodes.ok;
  }
  if (key !== undefined && parked.length === 0)
    throw new CliError(`nothing is parked under ${key}`, unavailable.length > 0 ? undefined : exitCodes.negative);
  const results: Redriven[] = [];
  try {
    for (const one of parked) {
      const result = await redriveOne(api, one);
      results.push(result);
      if (!json) terminal.out(renderResult(result));
    }
  } finally {
    // What was done before an error was done.
    if (json) printJson(terminal, { redriven: results, unavailable });
  }
  if (results.some(({ still_parked: still }) => still !== 0)) return exitCodes.negative;
  return unavailable.length > 0 || listed.more ? exitCodes.incomplete : exitCodes.ok;
}

/** Goes on as long as each request handles some. What somebody else has redriven meanwhile is parked no more. */
async function redriveOne(api: Api, { service, group, key }: ParkedKey): Promise<Redriven> {
  const nothing: Redriven = { service, group, key, handled: 0, still_parked: 0, cause: null };
  let handled = 0;
  for (;;) {
    const result = await api
      .post('/v1/ops/parked/redrive', redriven, { service, group, key })
      .catch((error: unknown) => {
        if (error instanceof RefusedError && error.code === 'PARKED_KEY_NOT_FOUND') return nothing;
        throw error;
      });
    handled += result.handled;
    if (result.still_parked === 0 || result.handled === 0 || result.cause !== null) return { ...result, handled };
  }
}

function renderParked(parked: readonly ParkedKey[]): string {
  return renderTable<ParkedKey>(
    [
      { title: 'SERVICE', of: ({ service }) => service },
      { title: 'GROUP', of: ({ group }) => group },
      { title: 'KEY', of: ({ key }) => key },
      { title: 'MESSAGES', right: true, of: ({ messages }) => messages },
      { title: 'SINCE', of: ({ first_parked_at: since }) => since },
      { title: 'CAUSE', of: ({ cause }) => cause },
    ],
    parked,
  );
}

function renderResult({ service, group, key, handled, still_parked: still, cause }: Redriven): string {
  const left = still === 0 ? '' : `, ${still} still parked${cause === null ? '' : `: ${cause}`}`;
  return `${printable(`${service} ${group} ${key}: ${handled} handled${left}`)}\n`;
}

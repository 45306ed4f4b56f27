import type { Api, Json } from '../api';
import { CliError, exitCodes } from '../exit-codes';
import { renderTable } from '../table';
import { asking, listOf, printJson, type Context, type Register } from './context';

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

async function redrive({ api, terminal, json }: Context, { service, group, key, all }: Options) {
  const filter = { service, group, key, limit: 100 };
  const listed = await api.get('/v1/ops/parked', filter);
  const parked = listOf(listed, 'parked');
  const unavailable = (listed.unavailable as readonly string[]).filter(
    (name) => service === undefined || name === service,
  );
  if (key === undefined && all !== true) {
    if (json) printJson(terminal, listed);
    else terminal.out(parked.length === 0 ? 'nothing is parked\n' : renderParked(parked));
    return unavailable.length > 0 ? exitCodes.incomplete : exitCodes.ok;
  }
  if (key !== undefined && parked.length === 0)
    throw new CliError(`nothing is parked under ${key}`, unavailable.length > 0 ? undefined : exitCodes.negative);
  const results: Json[] = [];
  for (const one of parked) {
    const result = await redriveOne(api, one);
    results.push(result);
    if (!json) terminal.out(renderResult(result));
  }
  if (json) printJson(terminal, { redriven: results, unavailable });
  if (results.some(({ still_parked: still }) => still !== 0)) return exitCodes.negative;
  return unavailable.length > 0 || listed.more === true ? exitCodes.incomplete : exitCodes.ok;
}

/** Goes on as long as each request handles some. */
async function redriveOne(api: Api, { service, group, key }: Json): Promise<Json> {
  let handled = 0;
  for (;;) {
    const result = await api.post('/v1/ops/parked/redrive', { service, group, key });
    handled += result.handled as number;
    if (result.still_parked === 0 || result.handled === 0 || result.cause !== null) return { ...result, handled };
  }
}

function renderParked(parked: readonly Json[]): string {
  return renderTable<Json>(
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

function renderResult({ service, group, key, handled, still_parked: still, cause }: Json): string {
  const left = still === 0 ? '' : `, ${String(still)} still parked${cause === null ? '' : `: ${String(cause)}`}`;
  return `${String(service)} ${String(group)} ${String(key)}: ${String(handled)} handled${left}\n`;
}

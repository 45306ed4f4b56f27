import { z } from 'zod';
import { CliError, exitCodes } from '../exit-codes';
import { renderTable } from '../table';
import { asking, printJson, type Context, type Register } from './context';

type Options = { readonly stop?: string; readonly resume?: true };

export const registerPayouts: Register = (program, terminal, finish) => {
  const command = program
    .command('payouts')
    .description('whether payouts of the mode leave; stop them, or let them leave again')
    .option('--stop <reason>', 'nothing more is signed or ordered')
    .option('--resume', 'end all stops that are shown');
  asking(command, terminal, finish, payouts);
};

const stop = z.looseObject({ number: z.number(), reason: z.string(), actor: z.string(), at: z.string() });
export const payoutsNow = z.looseObject({
  stopped: z.boolean(),
  stops: z.array(stop),
  waiting_sends: z.number(),
  waiting_transfers: z.number(),
});
type Payouts = z.output<typeof payoutsNow>;

async function payouts({ api, terminal, json }: Context, { stop: reason, resume }: Options) {
  if (reason !== undefined && resume === true)
    throw new CliError('--stop and --resume cannot be given together', exitCodes.usage);
  const found = await asked();
  if (json) printJson(terminal, found);
  else terminal.out(render(found));
  return found.stopped === (reason !== undefined) ? exitCodes.ok : exitCodes.negative;

  async function asked(): Promise<Payouts> {
    if (reason !== undefined) return api.post('/v1/ops/payouts/stop', payoutsNow, { reason });
    const now = await api.get('/v1/ops/payouts', payoutsNow);
    const newest = now.stops.at(-1);
    if (resume !== true || newest === undefined) return now;
    if (!json) terminal.out(render(now));
    return api.post('/v1/ops/payouts/resume', payoutsNow, { last_seen: newest.number });
  }
}

function render({ stopped, stops, waiting_sends: sends, waiting_transfers: transfers }: Payouts): string {
  const waiting = `${sends} sends and ${transfers} transfers wait\n`;
  if (!stopped) return `payouts leave; ${waiting}`;
  const table = renderTable<z.output<typeof stop>>(
    [
      { title: 'STOP', right: true, of: ({ number }) => number },
      { title: 'SINCE', of: ({ at }) => at },
      { title: 'BY', of: ({ actor }) => actor },
      { title: 'REASON', of: ({ reason }) => reason },
    ],
    stops,
  );
  return `${table}payouts are stopped; ${waiting}`;
}

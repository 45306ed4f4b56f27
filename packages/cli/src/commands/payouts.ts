import { z } from 'zod';
import { CliError, exitCodes } from '../exit-codes';
import { renderTable } from '../table';
import { asking, printJson, type Context, type Register } from './context';

type Options = { readonly stop?: string; readonly resume?: string };

export const registerPayouts: Register = (program, terminal, finish) => {
  const command = program
    .command('payouts')
    .description('whether payouts of the mode leave; stop them, or let them leave again')
    .option('--stop <reason>', 'nothing more is signed or ordered')
    .option('--resume <stop>', 'end all stops, of which this is the newest that you have seen');
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
  if (reason !== undefined && resume !== undefined)
    throw new CliError('--stop and --resume cannot be given together', exitCodes.usage);
  if (resume !== undefined && !/^[1-9]\d{0,8}$/.test(resume))
    throw new CliError('--resume takes the number of a stop', exitCodes.usage);
  const found = await asked();
  if (json) printJson(terminal, found);
  else terminal.out(render(found));
  return found.stopped === (reason !== undefined) ? exitCodes.ok : exitCodes.negative;

  async function asked(): Promise<Payouts> {
    if (reason !== undefined) return api.post('/v1/ops/payouts/stop', payoutsNow, { reason });
    if (resume === undefined) return api.get('/v1/ops/payouts', payoutsNow);
    // Also where nothing is stopped any more: what waits may not have been told.
    return api.post('/v1/ops/payouts/resume', payoutsNow, { last_seen: parseInt(resume, 10) });
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

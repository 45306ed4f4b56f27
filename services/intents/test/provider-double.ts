/**
 * Stripe, PayPal and Coinbase Commerce as they are on the wire, as far as we ask them, and able to lie: to take money and
 * not answer, or to answer with an error of their own or with something else. Shapes are those of their public API references.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { coinbaseDouble } from './coinbase-double';
import { credentialOf, webhookSecret, type Answer, type Asked } from './double-wire';
import { paypalDouble } from './paypal-double';
import { stripeDouble } from './stripe-double';

type Fault = 'none' | 'do it and cut the answer' | 'do it and answer something else' | 'answer 500';

/** A payment is made. */
export const isOpening = ({ method, path }: Asked): boolean =>
  method === 'POST' && ['/v1/payment_intents', '/v2/checkout/orders', '/charges'].includes(path);

export async function startProviderDouble() {
  const asked: Asked[] = [];
  let declines: string | null = null;
  const stripe = stripeDouble(() => declines);
  const paypal = paypalDouble(() => declines);
  const coinbase = coinbaseDouble(() => declines);
  const rolled = new Set<string>();
  let faults: (Fault | Answer)[] = [];
  let meeting: { readonly which: (request: Asked) => boolean; readonly come: (() => void)[] } | null = null;
  let isMet: (request: Asked) => boolean = () => false;

  /** Waits for the other one when two are to meet. */
  async function met(request: Asked): Promise<void> {
    if (meeting?.which(request) !== true) return;
    const { come } = meeting;
    await new Promise<void>((resolve) => {
      if (come.push(resolve) < 2) return;
      meeting = null;
      for (const go of come) go();
    });
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { pathname: path, searchParams: query } = new URL(req.url ?? '', 'http://double.invalid');
    const request = {
      method: req.method ?? '',
      path,
      query,
      headers: req.headers,
      body: Buffer.concat(chunks).toString(),
    };
    asked.push(request);
    await met(request);
    const now = isMet(request) ? (faults.shift() ?? 'none') : 'none';
    const isStripe = /^\/v1\/(payment_intents|disputes)\b/.test(path);
    const provider = path.startsWith('/charges') ? coinbase : isStripe ? stripe : paypal;
    const failed = isStripe ? stripe.fail : () => ({ status: 500, body: {} });
    const isRolled = [...rolled].some((credential) => credentialOf(req.headers).endsWith(credential));
    const answer = isRolled ? unauthorized : now === 'answer 500' ? failed(request) : provider.answer(request);
    if (now === 'do it and cut the answer') return void res.destroy();
    const said =
      now === 'do it and answer something else' ? { ...answer, body: { message: 'Something else' } } : answer;
    const { status, headers, body }: Answer = typeof now === 'object' ? now : said;
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    webhookSecret,
    asked,
    stripe: stripe.intents,
    stripeDisputes: stripe.disputes,
    paypal: paypal.orders,
    paypalDisputes: paypal.disputes,
    charges: coinbase.charges,
    /** An answer is given in the place of the right one, to what is done. For the next requests of that kind: the worker asks about other payments at any time. */
    failNext: (which: (request: Asked) => boolean, ...next: (Fault | Answer)[]) => {
      isMet = which;
      faults = next;
    },
    /** The next two requests of that kind are under way at once. */
    meetNext: (which: (request: Asked) => boolean) => (meeting = { which, come: [] }),
    decline: (reason: string | null) => (declines = reason),
    /** A key of an account is not taken any more, nor is what was given for it. */
    roll: (credential: string) => rolled.add(credential),
    stop: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
export type ProviderDouble = Awaited<ReturnType<typeof startProviderDouble>>;

const unauthorized: Answer = { status: 401, body: { error: { type: 'invalid_request', message: 'Not this key.' } } };

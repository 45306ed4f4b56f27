/**
 * Sends webhooks without becoming a way into the network (server-side request forgery). For every connection the host
 * is resolved, every answer is judged, and the socket is opened to an address that was judged: a name that answers
 * differently the second time gains nothing. A connection serves the deliveries of some seconds and is then opened anew. Redirects are failures, answers are read up to a limit, and one time limit
 * covers everything from resolving to the last byte.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Mode } from '@daybook/contracts';
import { Agent, buildConnector, request } from 'undici';
import type { AttemptOutcome } from '../domain/delivery';
import type { WebhookClient, WebhookRequest } from '../ports';
import { hostOf, mayReach, readWebhookUrl, type Reach } from './public-address';

/** Of an answer's body, which nobody reads. */
const answerBytesMax = 64 * 1024;
const answerHeaderBytesMax = 16 * 1024;
/** From resolving the host to the last byte of the answer. */
export const attemptTimeoutMs = 15_000;
const resolveTimeoutMs = 3_000;
/** Addresses of one host that are tried, in the resolver's order. */
const addressesTriedMax = 3;

/** All addresses of a host name. Rejects or returns none when there is none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export type WebhookClientOptions = {
  /** Lets endpoints of the sandbox be on this machine, without TLS. */
  readonly allowLoopback: boolean;
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
  readonly connectorWith?: ConnectorWith;
};

/** Opens sockets, each within `timeoutMs`, in which TLS is agreed upon too. */
export type ConnectorWith = (timeoutMs: number) => buildConnector.connector;

class NotPublicError extends Error {
  readonly code = 'ADDRESS_NOT_PUBLIC';
}

export function webhookClient(options: WebhookClientOptions): WebhookClient {
  const { allowLoopback, timeoutMs = attemptTimeoutMs, resolve = resolveByDns() } = options;
  const connectorWith = options.connectorWith ?? connectorOfUndici;
  const agentsWith = (keep: boolean): Record<Reach, Agent> => ({
    public: agentFor('public', resolve, { timeoutMs, keep, connectorWith }),
    loopback: agentFor('loopback', resolve, { timeoutMs, keep, connectorWith }),
  });
  const [kept, fresh] = [agentsWith(true), agentsWith(false)];
  return {
    async check(text: string, mode: Mode) {
      const read = readWebhookUrl(text, mode, { allowLoopback });
      if (!read.ok) return read.problem;
      const known = await reachableAddresses(hostOf(read.url), read.reach, resolve).catch(() => undefined);
      return known === undefined ? 'url_not_public' : undefined;
    },
    async send(webhook) {
      // The rules may have changed since the url was registered, so they are applied again.
      const read = readWebhookUrl(webhook.url, webhook.mode, { allowLoopback });
      if (!read.ok) return { ok: false, status: null, error: 'the url is not allowed' };
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        const signal = AbortSignal.any([timeout, webhook.abort]);
        // A connection that was kept may be closed by the receiver in the moment in which it is used again.
        return await exchange(kept[read.reach], read.url, webhook, signal).catch((error: unknown) => {
          if (!isClosed(error)) throw error;
          return exchange(fresh[read.reach], read.url, webhook, signal);
        });
      } catch (error) {
        if (webhook.abort.aborted) return 'aborted';
        return { ok: false, status: null, error: timeout.aborted ? 'timed out' : describe(error) };
      }
    },
    async close() {
      const all = [kept, fresh].flatMap((agents) => Object.values(agents));
      await Promise.all(all.map((agent) => agent.destroy()));
    },
  };
}

async function exchange(agent: Agent, url: URL, webhook: WebhookRequest, signal: AbortSignal): Promise<AttemptOutcome> {
  const { headers, body } = webhook;
  const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent, signal });
  // The status is the answer. What follows is read so that the receiver can finish, and dropped.
  await answer.body.dump({ limit: answerBytesMax, signal }).catch(() => undefined);
  const status = answer.statusCode;
  if (status >= 200 && status < 300) return { ok: true, status };
  const error = status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`;
  return { ok: false, status, error };
}

/** A connection is used for so long at most: its address was judged by what the host resolved to then. */
const connectionMs = 10_000;
/** Less than servers keep an idle connection. */
const idleMs = 3_000;

const connectorOfUndici: ConnectorWith = (timeoutMs) => buildConnector({ timeout: timeoutMs, maxCachedSessions: 0 });

type How = {
  readonly timeoutMs: number;
  /** Lets a connection serve the deliveries that come soon. It was opened to an address that was judged. */
  readonly keep: boolean;
  readonly connectorWith: ConnectorWith;
};

/**
 * A host has as many connections as there are deliveries to it. A limit would let receivers that are slow hold up those of
 * other tenants on the same host; how many are sent at a time is for the delivery slots to bound.
 */
function agentFor(reach: Reach, resolve: Resolve, { timeoutMs, keep, connectorWith }: How): Agent {
  const connect: buildConnector.connector = (options, callback) => {
    reachableAddresses(options.hostname, reach, resolve).then(
      (addresses) => {
        // Each has a share, and one is left for the answer: an address that swallows what it is sent must not use up all.
        const shareMs = Math.floor(timeoutMs / (addresses.length + 1));
        openFirst(connectorWith(shareMs), options, addresses, callback);
      },
      (error: Error) => callback(error, null),
    );
  };
  return new Agent({
    connect,
    // Without pipelining a connection ends with its answer.
    pipelining: keep ? 1 : 0,
    clientTtl: connectionMs,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    maxHeaderSize: answerHeaderBytesMax,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
}

function openFirst(
  open: buildConnector.connector,
  options: buildConnector.Options,
  [address, ...others]: readonly string[],
  callback: buildConnector.Callback,
): void {
  // `host` stays the name, which TLS verifies; `hostname` is where the socket goes.
  open({ ...options, hostname: address ?? '' }, (error, socket) => {
    if (error === null) callback(null, socket);
    else if (others.length > 0) openFirst(open, options, others, callback);
    else callback(error, null);
  });
}

/** The host's addresses if all of them may be reached. One that may not condemns the host. */
async function reachableAddresses(host: string, reach: Reach, resolve: Resolve): Promise<readonly string[]> {
  const addresses = isIP(host) ? [host] : host === 'localhost' ? ['127.0.0.1', '::1'] : await resolve(host);
  if (addresses.length === 0 || !addresses.every((address) => mayReach(address, reach)))
    throw new NotPublicError('the host has no address, or one that is not public');
  return addresses.slice(0, addressesTriedMax);
}

/** Asks name servers only: this machine's hosts file is not for others to reach. */
function resolveByDns(): Resolve {
  const resolver = new Resolver({ timeout: resolveTimeoutMs, tries: 2 });
  return async (host) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
    return addresses;
  };
}

function isClosed(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

const descriptions: Readonly<Record<string, string>> = {
  ADDRESS_NOT_PUBLIC: 'the address is not public',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed by the receiver',
  UND_ERR_SOCKET: 'connection closed by the receiver',
  UND_ERR_CONNECT_TIMEOUT: 'timed out',
  UND_ERR_HEADERS_TIMEOUT: 'timed out',
  UND_ERR_BODY_TIMEOUT: 'timed out',
  ENOTFOUND: 'the host name does not resolve',
  ENODATA: 'the host name does not resolve',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the host cannot be reached',
};

/** For the delivery log, which the endpoint's owner reads: nothing of our network, nothing of the url. */
function describe(error: unknown): string {
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code)) return 'TLS failed';
  return descriptions[code] ?? 'the request failed';
}

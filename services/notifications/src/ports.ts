import type { Mode } from '@daybook/contracts';
import type { AttemptOutcome } from './domain/delivery';

export type UrlProblem = 'url_invalid' | 'url_not_public';

export type WebhookRequest = {
  readonly url: string;
  readonly mode: Mode;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Gives up at once; the attempt then has no outcome. */
  readonly abort: AbortSignal;
};

/** What came of sending: an outcome to record, or nothing because the sender was stopped. */
export type SendResult = AttemptOutcome | 'aborted';

/** Sends to addresses that anyone may name, and to no others. */
export interface WebhookClient {
  /** Whether the url may be registered, now: it is well-formed and all its addresses are public. */
  check(url: string, mode: Mode): Promise<UrlProblem | undefined>;
  /** Checks again, connects to an address that was checked, never follows a redirect. Does not throw. */
  send(request: WebhookRequest): Promise<SendResult>;
  close(): Promise<void>;
}

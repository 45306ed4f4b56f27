import { StartRefusal } from '@daybook/runtime';

/** A server process that outlives its starter: `start` adopts the living one, `stop` ends it. Fits runtime's Component. */
export type EmbeddedServer = {
  readonly name: string;
  /** Where it listens. Throws before `start`. */
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** The server did not start or stop. The message says what to do about it. */
export class EmbeddedServerError extends StartRefusal {
  override readonly name = 'EmbeddedServerError';
}

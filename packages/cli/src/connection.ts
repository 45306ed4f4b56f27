import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CliError, exitCodes } from './exit-codes';
import { printable } from './table';
import type { Terminal } from './terminal';

export const modes = ['sandbox', 'live'] as const;
export type Mode = (typeof modes)[number];

export type ConnectionOptions = {
  readonly url?: string;
  readonly token?: string;
  readonly mode?: Mode;
};
export type Operator = {
  /** Null of a token that was given: it has one, and does not tell. */
  readonly mode: Mode | null;
  readonly token: string;
};
export type Connection = {
  readonly url: string;
  readonly token: string;
  /** All that there are, for what each mode is told of alone: the given token, or one of each mode in the file. */
  readonly operators: readonly Operator[];
};

/** What the standalone writes; other fields are not looked at. */
const credentialsFile = z.object({
  baseUrl: z.url(),
  ops: z.object({ token: z.string(), liveToken: z.string().optional() }),
});

/**
 * Options first, then DAYBOOK_URL and DAYBOOK_TOKEN, then credentials.json in DAYBOOK_HOME. A token has its mode; `mode`
 * chooses one of the two in the file.
 */
export function connectionOf(options: ConnectionOptions, { env }: Pick<Terminal, 'env'>): Connection {
  const mode = modeOf(options, env);
  const url = options.url ?? env.DAYBOOK_URL;
  const token = options.token ?? env.DAYBOOK_TOKEN;
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new CliError('the token is empty, or has blanks or characters that no token has', exitCodes.usage);
  const given = token === undefined ? undefined : { token, operators: [{ mode: null, token }] };
  if (url !== undefined && given !== undefined) return { url: checkedUrl(url), ...given };
  const file = join(env.DAYBOOK_HOME ?? '.daybook', 'credentials.json');
  if (!existsSync(file))
    throw new CliError(
      `give --url and --token, or DAYBOOK_URL and DAYBOOK_TOKEN, or DAYBOOK_HOME: there is no ${file}`,
      exitCodes.usage,
    );
  const { baseUrl, ops } = readCredentials(file);
  const at = { url: checkedUrl(url ?? baseUrl) };
  if (given !== undefined) return { ...at, ...given };
  const operators = operatorsOf(ops);
  const own = operators.find((operator) => operator.mode === mode);
  if (own === undefined)
    throw new CliError(`${file} has no operator for the live books; give --token`, exitCodes.usage);
  return { ...at, token: own.token, operators };
}

/** Commander has looked at the option, and nobody at the environment. */
function modeOf({ mode }: ConnectionOptions, { DAYBOOK_MODE: given = 'sandbox' }: Terminal['env']): Mode {
  const found = mode ?? modes.find((one) => one === given);
  if (found === undefined)
    throw new CliError(`DAYBOOK_MODE must be ${modes.join(' or ')}, not "${printable(given)}"`, exitCodes.usage);
  return found;
}

function operatorsOf({ token, liveToken }: z.output<typeof credentialsFile>['ops']): readonly Operator[] {
  const sandbox = { mode: 'sandbox', token } as const;
  return liveToken === undefined ? [sandbox] : [sandbox, { mode: 'live', token: liveToken }];
}

function readCredentials(file: string): z.output<typeof credentialsFile> {
  try {
    return credentialsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new CliError(`${file} is not what Daybook writes there`, exitCodes.usage, { cause });
  }
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  // Not shown: it may have a password.
  if (url !== null && url.username + url.password !== '')
    throw new CliError('the URL names a user, which Daybook has none of; give the token apart', exitCodes.usage);
  if (!/^https?:\/\//.test(text) || url === null)
    throw new CliError(`${printable(text)} is not an http or https URL`, exitCodes.usage);
  return text.replace(/\/+$/, '');
}

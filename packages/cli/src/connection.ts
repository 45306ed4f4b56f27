import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CliError, exitCodes } from './exit-codes';
import type { Terminal } from './terminal';

export const modes = ['sandbox', 'live'] as const;

export type ConnectionOptions = {
  readonly url?: string;
  readonly token?: string;
  readonly mode?: (typeof modes)[number];
};
export type Connection = { readonly url: string; readonly token: string };

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
  const url = options.url ?? env.DAYBOOK_URL;
  const token = options.token ?? env.DAYBOOK_TOKEN;
  if (url !== undefined && token !== undefined) return { url: checkedUrl(url), token };
  const file = join(env.DAYBOOK_HOME ?? '.daybook', 'credentials.json');
  if (!existsSync(file))
    throw new CliError(
      `give --url and --token, or DAYBOOK_URL and DAYBOOK_TOKEN, or DAYBOOK_HOME: there is no ${file}`,
      exitCodes.usage,
    );
  const credentials = readCredentials(file);
  const { ops } = credentials;
  const own = (options.mode ?? env.DAYBOOK_MODE) === 'live' ? ops.liveToken : ops.token;
  if (token === undefined && own === undefined)
    throw new CliError(`${file} has no operator for the live books; give --token`, exitCodes.usage);
  return { url: checkedUrl(url ?? credentials.baseUrl), token: token ?? own ?? '' };
}

function readCredentials(file: string): z.output<typeof credentialsFile> {
  try {
    return credentialsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new CliError(`${file} is not what Daybook writes there`, exitCodes.usage, { cause });
  }
}

function checkedUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new CliError(`${text} is not an http or https URL`, exitCodes.usage);
  return text.replace(/\/+$/, '');
}

import type { CallOutcome, CallRequest, exchangeLogin } from '@daybook/contracts';
import type { Clock, InTurn } from '@daybook/runtime';
import type { LoginAttempts, LoginNames, Passwords, Tokens } from '../ports';
import type { Credentials } from './credentials';

export type ExchangeDeps = {
  readonly credentials: Credentials;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly loginNames: LoginNames;
  readonly attempts: LoginAttempts;
  /** Keyed by login. Tries at the same time would otherwise use each other up, also those with the right password. */
  readonly oneByOne: InTurn;
  readonly now: Clock;
};

const sessionMs = 3_600_000;

/**
 * Signs in. Unknown names, wrong passwords, revoked logins and used-up tries are answered alike and after the same
 * work, so that an answer tells nothing but that it was not right.
 */
export async function exchange(
  deps: ExchangeDeps,
  { login, password }: CallRequest<typeof exchangeLogin>,
): Promise<CallOutcome<typeof exchangeLogin>> {
  const digest = deps.loginNames.digest(login);
  return deps.oneByOne(digest, () => judge(deps, digest, password));
}

async function judge(
  { credentials, tokens, passwords, attempts, now }: ExchangeDeps,
  digest: string,
  password: string,
): Promise<CallOutcome<typeof exchangeLogin>> {
  const issuedAt = now();
  const holder = await credentials.holderOf(digest);
  const found = await credentials.find(holder ?? 'nobody');
  // Before it is judged, and no sooner: one that could not be judged was not wrong.
  const mayTry = await attempts.take(digest, issuedAt);
  const usable = mayTry && found.status === 'active' ? found : undefined;
  const right = await passwords.verify(usable?.login?.passwordHash, password);
  if (!right || usable === undefined) return { ok: false, rejection: 'login_invalid' };

  await attempts.clear(digest);
  const expiresAt = new Date(issuedAt.getTime() + sessionMs);
  return {
    ok: true,
    value: {
      token: tokens.sign({ ...usable, issuedAt, expiresAt }),
      expiresAt: expiresAt.toISOString(),
      userNumber: usable.userNumber,
    },
  };
}

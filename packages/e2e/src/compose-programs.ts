/** The programs of `docker-compose.yml` as processes: the very commands and settings, with other hosts and paths. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const repositoryRoot = join(__dirname, '../../..');

type Mount = { readonly target: string; readonly volume?: { readonly subpath?: string } };
type Container = {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly (string | Mount)[];
};

/** Where containers have the volume with the keys, or the part of it that is theirs. */
const keysDirectory = '/run/daybook';

export type Program = {
  /** Path in the repository. */
  readonly script: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

/** What a container is called, and what it is to be called here. */
export type Places = {
  /** Directory in the place of the volume with the secrets. */
  readonly home: string;
  readonly databaseUrl: string;
  /** host:port, or more than one with commas. */
  readonly broker: string;
  urlOf(service: string): string | undefined;
};

export function composeProgram(name: string, places: Places): Program {
  const { services } = parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, Container>;
  };
  const { entrypoint = [], command = [], environment = {}, volumes = [] } = services[name] ?? {};
  const [, script = '', ...args] = [...entrypoint, ...command];
  const keys = volumes.find((mount) => typeof mount !== 'string' && mount.target === keysDirectory) as
    Mount | undefined;
  const local = (text: string) =>
    text
      .replace(/^http:\/\/([a-z-]+):8080$/, (whole, host: string) => places.urlOf(host) ?? whole)
      .replace(keysDirectory, join(places.home, keys?.volume?.subpath ?? ''))
      .replace('/var/lib/signer', join(places.home, 'signer'))
      .replace('kafka:9092', places.broker)
      .replace('postgres://daybook@postgres:5432/daybook', places.databaseUrl)
      .replace('0.0.0.0', '127.0.0.1')
      .replace(/^\$\{.*\}$/, '');
  const given = Object.entries(environment).map(([key, value]) => [key, local(value)]);
  return { script, args: args.map(local), environment: Object.fromEntries(given) as Record<string, string> };
}

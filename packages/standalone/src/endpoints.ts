import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EvmPlace } from './evm-node';
import { writePrivateFile } from './private-file';

/** Where this instance's own servers listen since its last start. The demo's faucet and the operator's tools read it. */
export type Endpoints = {
  readonly databaseUrl: string;
  /** Base address of each service, by its name. */
  readonly services: Readonly<Record<string, string>>;
  readonly evm: EvmPlace;
};

const fileName = 'endpoints.json';

export function writeEndpoints(home: string, endpoints: Endpoints): void {
  writePrivateFile(join(home, fileName), endpoints);
}

export function readEndpoints(home: string): Endpoints {
  return JSON.parse(readFileSync(join(home, fileName), 'utf8')) as Endpoints;
}

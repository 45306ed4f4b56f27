import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@daybook/runtime';
import type { EvmPlace } from './evm-node';

/** Where this instance's own servers listen since its last start. The demo's faucet and the operator's tools read it. */
export type Endpoints = {
  readonly databaseUrl: string;
  /** Base address of each service, by its name. */
  readonly services: Readonly<Record<string, string>>;
  readonly evm: EvmPlace;
};

const fileName = 'endpoints.json';

export async function writeEndpoints(home: string, endpoints: Endpoints): Promise<void> {
  await replaceFile(join(home, fileName), textOf(endpoints));
}

/** As the files of an instance are written, for people to read. */
export function textOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function readEndpoints(home: string): Endpoints {
  return JSON.parse(readFileSync(join(home, fileName), 'utf8')) as Endpoints;
}

/** Who runs in the distributed form, and who asks whom and waits for the answer. */
export const services = [
  'identity',
  'ledger',
  'chain-watcher',
  'settlement',
  'notifications',
  'intents',
  'gateway',
] as const;
export type ServiceName = (typeof services)[number];

export const calls: readonly (readonly [from: ServiceName | 'clients', to: ServiceName])[] = [
  ['clients', 'gateway'],
  ['gateway', 'identity'],
  ['gateway', 'ledger'],
  ['gateway', 'chain-watcher'],
  ['gateway', 'settlement'],
  ['gateway', 'notifications'],
  ['gateway', 'intents'],
  ['intents', 'chain-watcher'],
  ['settlement', 'ledger'],
];

/** The schema of a service in the database. */
export const schemaOf = (service: string): string => service.replaceAll('-', '_');

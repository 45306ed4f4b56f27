/** All services of one run, each a process of its own, on the lab's servers and a database of the run's. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeProgram } from '../compose-programs';
import type { Lab } from './lab';
import { services, type ServiceName } from './services';
import { supervised, type Supervised } from './supervised';

const sessionTimeoutMs = 2_000;
/** Of a machine that has other things to do too. */
const readyWithinMs = 180_000;

/** What the runs need otherwise than docker-compose.yml has it. */
const settings = {
  // Silence is long when it is longer than this.
  KAFKA_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
  // No request is refused for its rate.
  RATE_LIMIT_PER_MINUTE: '1000000',
  PAY_RATE_LIMIT_PER_MINUTE: '1000000',
  AUTH_FAILURES_PER_MINUTE: '1000000',
  CHAIN_POLL_MS: '400',
  WEBHOOK_ALLOW_LOOPBACK: 'true',
  LOG_LEVEL: 'info',
};

export type Fleet = {
  readonly directory: string;
  readonly members: ReadonlyMap<ServiceName, Supervised>;
  /** Of a service itself, not by a link. */
  urlOf(service: ServiceName): string;
  /** Its wall clock goes wrong by so much from now on. */
  setClock(service: ServiceName, shiftMs: number): void;
  /** By how much it was wrong when it last changed. */
  clockSeen(service: ServiceName): number;
  ready(): Promise<void>;
  /** In order, or as they are. */
  stop(): Promise<void>;
};

export function startFleet(lab: Lab, database: string): Fleet {
  const directory = join(lab.directory, database);
  mkdirSync(directory, { recursive: true });
  const urlOf = (service: ServiceName) => `http://127.0.0.1:${lab.ports.get(service)}`;
  const clockFile = (service: string) => join(directory, `${service}.clock`);
  const linkPort = (name: string) => lab.links.get(name)?.port;
  const members = new Map<ServiceName, Supervised>();
  for (const service of services) {
    const program = composeProgram(service, {
      home: lab.directory,
      databaseUrl: throughLink(lab.postgres.url(database), linkPort(`${service}>postgres`)),
      broker: `127.0.0.1:${linkPort(`${service}>kafka`)}`,
      urlOf: (to) => {
        const port = linkPort(`${service}>${to}`);
        return port === undefined ? undefined : `http://127.0.0.1:${port}`;
      },
    });
    const port = String(lab.ports.get(service));
    const own = { ...settings, HTTP_PORT: port, FAULTS_CLOCK_FILE: clockFile(service) };
    const logFile = join(directory, `${service}.log`);
    members.set(service, supervised({ name: service, program, settings: own, url: urlOf(service), logFile }));
  }
  for (const member of members.values()) member.start();
  return {
    directory,
    members,
    urlOf,
    setClock: (service, shiftMs) => writeFileSync(clockFile(service), String(shiftMs)),
    clockSeen(service) {
      const seen = `${clockFile(service)}.seen`;
      return existsSync(seen) ? Number(readFileSync(seen, 'utf8')) : 0;
    },
    async ready() {
      await Promise.all([...members.values()].map((member) => member.untilReady(readyWithinMs)));
    },
    async stop() {
      await Promise.all([...members.values()].map((member) => member.stop()));
    },
  };
}

function throughLink(databaseUrl: string, port: number | undefined): string {
  return Object.assign(new URL(databaseUrl), { port: String(port) }).href;
}

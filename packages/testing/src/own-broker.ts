/**
 * A Kafka broker of one test, on the local JVM: it may be stopped, killed, wiped and started again at the same address.
 * Clients reach it through a proxy that can cut their connections and keep the answers to publications from them.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerDirectoryPrefix } from './kafka';
import { formatJvmBroker, freePorts, runJvmBroker, stopJvmBroker } from './kafka-on-jvm';
import { openKafkaProxy, type KafkaProxy } from './kafka-proxy';

export type OwnBroker = {
  readonly brokers: readonly string[];
  readonly proxy: KafkaProxy;
  /** With the data that it had. */
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Removes all that it holds; it must not be running. */
  wipe(): Promise<void>;
  /** Ends it and removes its files. */
  dispose(): Promise<void>;
};

/** Not running yet. For where `jvmKafkaIsPossible`. */
export async function ownBroker(): Promise<OwnBroker> {
  // With the files by which the next run finds what a killed one has left behind.
  const directory = mkdtempSync(join(tmpdir(), brokerDirectoryPrefix));
  writeFileSync(join(directory, 'owner.pid'), `${process.pid}`);
  const [port, controllerPort] = await freePorts(2);
  const listens = `127.0.0.1:${port}`;
  const proxy = await openKafkaProxy(port!);
  const addresses = { listens, controller: `127.0.0.1:${controllerPort}`, advertised: proxy.address };
  await formatJvmBroker(directory, addresses);
  let pid: number | undefined;

  async function end(work: (pid: number) => Promise<void>): Promise<void> {
    const ending = pid;
    pid = undefined;
    if (ending !== undefined) await work(ending);
    proxy.cut();
  }
  const killed = async (ending: number) => {
    process.kill(ending, 'SIGKILL');
    await stopJvmBroker(ending);
  };
  return {
    brokers: [proxy.address],
    proxy,
    async start() {
      pid = await runJvmBroker(directory, listens);
      writeFileSync(join(directory, 'running.json'), JSON.stringify({ brokers: [listens], pid }));
    },
    stop: () => end(stopJvmBroker),
    kill: () => end(killed),
    async wipe() {
      if (pid !== undefined) throw new Error('the broker is running');
      await rm(join(directory, 'data'), { recursive: true, force: true });
      await formatJvmBroker(directory, addresses);
    },
    async dispose() {
      await end(killed);
      await proxy.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

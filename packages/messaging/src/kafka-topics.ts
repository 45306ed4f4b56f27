/**
 * Brings the broker's topics to what is declared, or looks whether they are. May be repeated; changes nothing that already
 * is as declared.
 */
import { AssertionError, OperationalError } from '@daybook/core';
import { ConfigResourceTypes, type Admin } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from './backoff';
import { brokerUnavailable, kafkaClient, type KafkaOptions } from './kafka-client';
import { declaredTopics, type Topic } from './topics';

const leaderAttemptsMax = 20;

export type AppliedTopics = { readonly created: readonly string[]; readonly changed: readonly string[] };

export async function applyTopics(
  options: KafkaOptions & { readonly replicationFactor?: number; readonly topics?: readonly Topic[] },
): Promise<AppliedTopics> {
  const topics = (options.topics ?? declaredTopics()).map((topic) => fitted(topic, options.replicationFactor));
  const admin = kafkaClient(options).admin();
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    const absent = topics.filter(({ name }) => !existing.has(name));
    if (absent.length > 0) await create(admin, absent);
    for (const { name } of absent) await untilLed(admin, name);
    const changed = await correct(
      admin,
      topics.filter(({ name }) => existing.has(name)),
    );
    return { created: absent.map(({ name }) => name), changed };
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    throw brokerUnavailable(error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/**
 * Throws OperationalError `topics_not_as_declared` unless each topic is there with all its partitions, its settings, and as
 * many copies as are declared, or as there are brokers. Whoever meets it waits: messages stay in the store meanwhile.
 */
export async function verifyTopics(admin: Admin, topics: readonly Topic[]): Promise<void> {
  const problems = await differences(admin, topics);
  if (problems.length === 0) return;
  const detail = `${problems.join('; ')}. Apply the topics.`;
  throw new OperationalError('topics_not_as_declared', true, { detail });
}

async function differences(admin: Admin, topics: readonly Topic[]): Promise<readonly string[]> {
  const existing = new Set(await admin.listTopics());
  const absent = topics.filter(({ name }) => !existing.has(name));
  if (absent.length > 0) return absent.map(({ name }) => `${name} is not there`);
  const { brokers } = await admin.describeCluster();
  const { topics: found } = await admin.fetchTopicMetadata({ topics: topics.map(({ name }) => name) });
  const settings = await settingsOn(admin, topics);
  return topics.flatMap((topic) => {
    const partitions = found.find(({ name }) => name === topic.name)?.partitions ?? [];
    const copies = Math.min(...partitions.map(({ replicas }) => replicas.length));
    const copiesMin = Math.min(topic.replicationFactor, brokers.length);
    const problems: string[] = [];
    // Nothing is ever in more than are declared: keys keep to those.
    if (partitions.length < topic.partitions)
      problems.push(`${topic.name} has ${partitions.length} partitions, not ${topic.partitions}`);
    if (copies < copiesMin) problems.push(`${topic.name} has ${copies} copies, not ${copiesMin}`);
    for (const { name, value } of settingsOf(fitted(topic, copies))) {
      const actual = settings(topic.name, name);
      if (actual !== value) problems.push(`${topic.name} has ${name} ${actual}, not ${value}`);
    }
    return problems;
  });
}

/** On fewer brokers there are fewer replicas, and not more of them in sync than may be missing one. */
function fitted(topic: Topic, replicationFactor: number | undefined): Topic {
  const factor = replicationFactor ?? topic.replicationFactor;
  return {
    ...topic,
    replicationFactor: factor,
    minInsyncReplicas: Math.min(topic.minInsyncReplicas, Math.max(1, factor - 1)),
  };
}

function settingsOf(topic: Topic): readonly { name: string; value: string }[] {
  return [
    { name: 'cleanup.policy', value: 'delete' },
    { name: 'retention.ms', value: String(topic.retentionMs) },
    { name: 'retention.bytes', value: '-1' },
    { name: 'min.insync.replicas', value: String(topic.minInsyncReplicas) },
    { name: 'max.message.bytes', value: String(topic.messageBytesMax) },
    { name: 'unclean.leader.election.enable', value: 'false' },
  ];
}

async function create(admin: Admin, topics: readonly Topic[]): Promise<void> {
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((topic) => ({
      topic: topic.name,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
      configEntries: [...settingsOf(topic)],
    })),
  });
}

/** A new topic is known before each of its partitions has a leader that answers. */
async function untilLed(admin: Admin, topic: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (error) {
      if (attempt >= leaderAttemptsMax) throw error;
      await delay(backoffMs(attempt, { firstMs: 50, maxMs: 1_000 }));
    }
  }
}

async function correct(admin: Admin, topics: readonly Topic[]): Promise<readonly string[]> {
  if (topics.length === 0) return [];
  const { topics: found } = await admin.fetchTopicMetadata({ topics: topics.map(({ name }) => name) });
  for (const topic of topics) {
    const partitions = found.find(({ name }) => name === topic.name)?.partitions.length;
    // Keys would move to other partitions, and with them the order of what is already there.
    if (partitions !== topic.partitions) {
      throw new AssertionError(`topic ${topic.name} has ${partitions} partitions, not ${topic.partitions}`);
    }
  }
  const settings = await settingsOn(admin, topics);
  const differing = topics.filter((topic) =>
    settingsOf(topic).some(({ name, value }) => settings(topic.name, name) !== value),
  );
  if (differing.length > 0) {
    await admin.alterConfigs({
      validateOnly: false,
      resources: differing.map((topic) => ({
        type: ConfigResourceTypes.TOPIC,
        name: topic.name,
        configEntries: [...settingsOf(topic)],
      })),
    });
  }
  return differing.map(({ name }) => name);
}

async function settingsOn(admin: Admin, topics: readonly Topic[]) {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  return (topic: string, setting: string): string | undefined =>
    resources
      .find(({ resourceName }) => resourceName === topic)
      ?.configEntries.find(({ configName }) => configName === setting)?.configValue;
}

/** Brings the broker's topics to what is declared. May be repeated; changes nothing that already is as declared. */
import { AssertionError } from '@daybook/core';
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
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  const differing = topics.filter((topic) => {
    const entries = resources.find(({ resourceName }) => resourceName === topic.name)?.configEntries ?? [];
    return settingsOf(topic).some(
      ({ name, value }) => entries.find(({ configName }) => configName === name)?.configValue !== value,
    );
  });
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

/** Removes all topics, and the groups that nobody is in. */
export async function emptyBroker(broker: string): Promise<void> {
  // Loaded here, because most test files need no Kafka.
  const { Kafka, logLevel } = await import('kafkajs');
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    const { groups } = await admin.listGroups();
    // Of those whose members died a moment ago none can be removed yet.
    await admin.deleteGroups(groups.map(({ groupId }) => groupId)).catch(() => undefined);
  } finally {
    await admin.disconnect();
  }
}

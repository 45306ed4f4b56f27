/** Stops every Postgres that the setup of this run started. One given by DAYBOOK_TEST_DATABASE_URL is left alone. */
const { rmSync } = require('node:fs');

module.exports = async () => {
  await stopKafka();
  const running = globalThis.daybookTestPostgres;
  if (running === undefined) return;
  delete globalThis.daybookTestPostgres;
  delete process.env.DAYBOOK_TEST_DATABASE_URL;
  for (const { server, directory } of running) {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
};

async function stopKafka() {
  const directory = globalThis.daybookTestKafka;
  if (directory === undefined) return;
  delete globalThis.daybookTestKafka;
  delete process.env.DAYBOOK_TEST_KAFKA_RUN;
  await require('../dist/kafka.js').stopSharedKafka(directory);
}

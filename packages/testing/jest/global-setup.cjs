/**
 * Starts one Postgres for each worker of the run, because what one suite holds open in a server delays the readers of
 * another, and announces them as DAYBOOK_TEST_DATABASE_URL, in order and separated by spaces. Several projects name this
 * setup; whoever comes first starts them. Runs outside of the test environment, on the compiled package.
 */
const { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const prefix = 'daybook-test-postgres-';
/** Every suite makes and drops databases of some hundred files, which is half of the time of a run on a disk. */
const memory = '/dev/shm';
const memoryMin = 8 * 2 ** 30;

module.exports = async ({ maxWorkers }) => {
  prepareKafka();
  if (process.env.DAYBOOK_TEST_DATABASE_URL) return;
  const { embeddedPostgres } = loadEmbedded();
  await removeLeftovers(embeddedPostgres);
  const running = await Promise.all(Array.from({ length: maxWorkers }, () => startPostgres(embeddedPostgres)));
  process.env.DAYBOOK_TEST_DATABASE_URL = running.map(({ server }) => server.url).join(' ');
  globalThis.daybookTestPostgres = running;
};

async function startPostgres(embeddedPostgres) {
  const directory = mkdtempSync(join(hasRoom(memory) ? memory : tmpdir(), prefix));
  writeFileSync(join(directory, 'owner.pid'), `${process.pid}`);
  // The data lives as long as the run: speed counts, and a power cut does not.
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '400' };
  const server = embeddedPostgres({ directory, settings });
  await server.start();
  return { server, directory };
}

/** A directory only: the first test file that needs the broker starts it. */
function prepareKafka() {
  if (process.env.DAYBOOK_TEST_KAFKA_RUN) return;
  const { prepareSharedKafka } = require('../dist/kafka.js');
  process.env.DAYBOOK_TEST_KAFKA_RUN = globalThis.daybookTestKafka = prepareSharedKafka();
}

function loadEmbedded() {
  try {
    return require('../../embedded/dist/index.js');
  } catch (cause) {
    throw new Error('Integration tests run a compiled Postgres launcher: run `npx tsc -b` first.', { cause });
  }
}

function hasRoom(directory) {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize >= memoryMin;
}

/** A run that was killed leaves its servers behind. */
async function removeLeftovers(embeddedPostgres) {
  for (const place of [memory, tmpdir()].filter(existsSync)) {
    for (const name of readdirSync(place).filter((entry) => entry.startsWith(prefix))) {
      const directory = join(place, name);
      if (ownerIsGone(directory)) await removeLeftover(embeddedPostgres, directory);
    }
  }
}

async function removeLeftover(embeddedPostgres, directory) {
  const server = embeddedPostgres({ directory });
  try {
    // Adopting it is the way to learn its process and to stop it.
    await server.start();
    await server.stop();
  } catch {
    // Nothing that could be stopped; another run may be removing it too.
  }
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // It is another user's, who removes it.
  }
}

/** What cannot be read may belong to another user's run. */
function ownerIsGone(directory) {
  try {
    process.kill(Number(readFileSync(join(directory, 'owner.pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Makes the tables of all services once, so that a run begins with them. */
import { startFleet } from './fleet';
import type { Lab } from './lab';

const database = 'faults_making';

export async function makeTemplate(lab: Lab): Promise<void> {
  await lab.prepare(database);
  const fleet = startFleet(lab, database);
  try {
    await fleet.ready();
  } finally {
    await fleet.stop();
  }
  await lab.keepAsTemplate(database);
}

import { assertSchemaIsCurrent, clearBackOff, DestinationReader } from '@atoll/database';
import { isServerName } from '@atoll/matrix';
import { CommandFailed } from './command-failed.js';
import { print, printTable } from './output.js';
import { withDatabase } from './with-database.js';

/** Lists the servers that events were sent to, what they are owed, and those that fail. */
export async function listDestinations(): Promise<void> {
  await withDatabase(async (database) => {
    await assertSchemaIsCurrent(database.db);
    const destinations = await new DestinationReader(database).list();
    const rows = destinations.map(({ destination, sentPosition, pendingRooms, failingSince, retryAt }) => [
      destination,
      String(sentPosition),
      String(pendingRooms),
      time(failingSince),
      time(retryAt),
    ]);
    if (rows.length === 0) print('no destinations yet: nothing was sent to another server');
    else printTable(['DESTINATION', 'SENT POSITION', 'PENDING ROOMS', 'FAILING SINCE', 'NEXT TRY'], rows);
  });
}

/**
 * Lets a failing destination be tried now: its owner looks each second.
 * @throws CommandFailed when it is not waiting
 */
export async function retryDestination(name: string): Promise<void> {
  if (!isServerName(name)) throw new CommandFailed(`${name} is no server name`);
  await withDatabase(async ({ db }) => {
    await assertSchemaIsCurrent(db);
    if (!(await clearBackOff(db, name))) throw new CommandFailed(`${name} is not waiting for its next try`);
  });
  print(`${name} is tried within a second`);
}

function time(ms: number | null): string {
  return ms === null ? '-' : new Date(ms).toISOString();
}

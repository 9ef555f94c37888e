import { partitionOf } from '@atoll/contract';
import {
  assertSchemaIsCurrent,
  type Database,
  EventReader,
  type JobRoom,
  RoomBlockTransactor,
  RoomIsBusy,
  RoomJobRequestTransactor,
  RoomReader,
} from '@atoll/database';
import { isEventId, isRoomId, type RoomId } from '@atoll/matrix';
import { CommandFailed } from './command-failed.js';
import { print } from './output.js';
import { withRoom } from './room.command.js';
import { withDatabase } from './with-database.js';

const MAX_PURGE_AFTER_S = 30 * 86_400;

/**
 * Has a room deleted. One that this server does not know can be blocked.
 * @throws CommandFailed
 */
export async function deleteRoom(
  roomId: string,
  options: {
    readonly block: boolean;
    readonly purge: boolean;
    readonly force: boolean;
    readonly purgeAfter: string;
  },
): Promise<void> {
  const { block, purge, force } = options;
  const seconds = Number(options.purgeAfter);
  if (!/^\d+$/.test(options.purgeAfter) || seconds > MAX_PURGE_AFTER_S)
    throw new CommandFailed(`${options.purgeAfter} is no number of seconds up to 30 days`);
  if (!isRoomId(roomId)) throw new CommandFailed(`${roomId} is no room id`);
  await withDatabase(async (database, { partitions }) => {
    await assertSchemaIsCurrent(database.db);
    const known = await new RoomReader(database).byId(roomId);
    if (!known && !block) throw new CommandFailed(`${roomId} is not known here; it can only be blocked`);
    const room = known ?? { roomId, roomNid: null, partition: partitionOf(roomId, partitions) };
    const args = { block, purge, force, purgeAfterMs: seconds * 1000 };
    await request(database, (jobs) => jobs.deleteRoom(room, args));
  });
}

/**
 * Has messages of a room deleted that lie before an event, or that say they are older than a time.
 * @throws CommandFailed
 */
export async function purgeHistory(
  roomId: string,
  options: { readonly before: string; readonly deleteLocalEvents: boolean },
): Promise<void> {
  await withRoom(roomId, async (database, room) => {
    const point = await pointOf(database, room, options.before);
    const args = { ...point, deleteLocalEvents: options.deleteLocalEvents };
    await request(database, (jobs) => jobs.purgeHistory(room, args));
  });
}

/** @throws CommandFailed when the room is not blocked, or rows of it are still to go */
export async function unblockRoom(roomId: string): Promise<void> {
  if (!isRoomId(roomId)) throw new CommandFailed(`${roomId} is no room id`);
  await withDatabase(async (database) => {
    await assertSchemaIsCurrent(database.db);
    if (!(await new RoomBlockTransactor(database).unblock(roomId)))
      throw new CommandFailed(`${roomId} is not blocked, or a job of it is not done`);
    print(`${roomId} can be entered again`);
  });
}

/** A date without a time zone is of this machine's. */
async function pointOf(
  database: Database,
  { roomNid, roomId }: JobRoom & { readonly roomId: RoomId },
  before: string,
): Promise<{ beforePosition: number | null; beforeTs: number | null }> {
  if (isEventId(before)) {
    const event = (await new EventReader(database).byIds([before])).get(before);
    if (event?.roomNid !== roomNid || event.position === null)
      throw new CommandFailed(`${before} is no event of the timeline of ${roomId}`);
    return { beforePosition: event.position, beforeTs: null };
  }
  const beforeTs = /^\d+$/.test(before) ? Number(before) : Date.parse(before);
  if (!Number.isSafeInteger(beforeTs))
    throw new CommandFailed(`${before} is no event id, date or time in ms`);
  return { beforePosition: null, beforeTs };
}

async function request(
  database: Database,
  ask: (jobs: RoomJobRequestTransactor) => Promise<number>,
): Promise<void> {
  try {
    print(`job ${await ask(new RoomJobRequestTransactor(database))} begins within a second`);
  } catch (error) {
    if (error instanceof RoomIsBusy) throw new CommandFailed(error.message);
    throw error;
  }
}

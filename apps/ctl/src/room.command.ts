import {
  assertSchemaIsCurrent,
  type Database,
  PartitionReader,
  RoomReader,
  type RoomRecord,
  RoomReportReader,
  StagedPduTransactor,
} from '@atoll/database';
import { isRoomId } from '@atoll/matrix';
import { CommandFailed } from './command-failed.js';
import { print, printTable } from './output.js';
import { withDatabase } from './with-database.js';

const MAX_SERVERS = 10;
const MAX_RESETS = 100;

/** Shows a room as far as it matters when it looks wrong. */
export async function showRoom(roomId: string): Promise<void> {
  await withRoom(roomId, async (database, room) => {
    const report = new RoomReportReader(database);
    const { roomNid, version, partition } = room;
    const staged = await report.staged(room.roomId);
    const newest = await report.newestByStatus(roomNid);
    printTable(
      ['ROOM', room.roomId],
      [
        ['version', version],
        ['partition', String(partition)],
        ['owner', await ownerOf(database, partition)],
        ['missing predecessors', String(await report.countMissing(roomNid))],
        ['staged PDUs', String(staged.count)],
        ['oldest staged', time(staged.oldestTs)],
        ['most tries', String(staged.maxTries ?? 0)],
        ['next try', staged.nextTryTs === 0 ? 'now' : time(staged.nextTryTs)],
        ['soft-failed of the last 1000', String(newest.softFailed)],
        ['rejected of the last 1000', String(newest.rejected)],
      ],
    );
    print('');
    const servers = await report.membersByServer(roomNid, MAX_SERVERS);
    printTable(
      ['SERVER', 'JOINED MEMBERS'],
      servers.map(({ server, members }) => [server, String(members)]),
    );
    print('');
    const extremities = await report.extremities(roomNid);
    printTable(
      ['FORWARD EXTREMITY', 'TYPE', 'SENDER', 'DEPTH', 'SENT AT'],
      extremities.map(({ eventId, type, sender, depth, originServerTs }) => [
        eventId,
        type,
        sender,
        String(depth),
        time(originServerTs),
      ]),
    );
  });
}

/** Lists which state a resolution moved without an event that did so, the newest first. */
export async function listResets(roomId: string): Promise<void> {
  await withRoom(roomId, async (database, { roomNid }) => {
    const resets = await new RoomReportReader(database).resets(roomNid, MAX_RESETS);
    const rows = resets.flatMap(({ at, causeId, changes }) =>
      changes.map(({ type, stateKey, before, after }) => [
        at.toISOString(),
        causeId,
        type,
        stateKey,
        before ?? '-',
        after ?? '-',
      ]),
    );
    if (rows.length === 0) print('no state of this room was ever reset');
    else printTable(['AT', 'CAUSED BY', 'TYPE', 'STATE KEY', 'BEFORE', 'AFTER'], rows);
  });
}

/**
 * Has the events of a room that wait for what they miss taken up again: owners of rooms look every ten seconds.
 * @throws CommandFailed when none waits for its next try
 */
export async function retryStaged(roomId: string): Promise<void> {
  await withRoom(roomId, async (database, room) => {
    const count = await new StagedPduTransactor(database).retryRoom(room.roomId);
    if (count === 0) throw new CommandFailed('no staged PDU of this room is waiting for its next try');
    print(`${count} staged PDUs are tried within ten seconds`);
  });
}

/** @throws CommandFailed when there is no such room */
export async function withRoom(
  roomId: string,
  work: (database: Database, room: RoomRecord) => Promise<void>,
): Promise<void> {
  if (!isRoomId(roomId)) throw new CommandFailed(`${roomId} is no room id`);
  await withDatabase(async (database) => {
    await assertSchemaIsCurrent(database.db);
    const room = await new RoomReader(database).byId(roomId);
    if (!room) throw new CommandFailed(`${roomId} is not known here`);
    await work(database, room);
  });
}

async function ownerOf(database: Database, partition: number): Promise<string> {
  const owners = await new PartitionReader(database).owners();
  const found = owners.find(
    ({ kind, partitions }) => kind === 'room-state' && partitions.includes(partition),
  );
  if (!found || found.owner === null) return '(nobody)';
  return found.alive ? found.owner : `${found.owner} (not alive)`;
}

function time(ms: number | null): string {
  if (ms === null) return '-';
  const date = new Date(ms);
  // Other servers' clocks may say anything.
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

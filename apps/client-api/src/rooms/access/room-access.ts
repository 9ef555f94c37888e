import { RoomReader, type RoomRecord, type VisibilityTimelines, VisibilityReader } from '@atoll/database';
import { forbidden, type MatrixError, type RoomId, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { historyVisibilityOf } from '../../events/history-visibility.js';

/** A room that a user may read. Each event of its timeline is still judged by itself. */
export interface ReadableRoom {
  readonly room: RoomRecord;
  /** The point up to which it may be read: that of the leave for who left, undefined for the present. */
  readonly until: number | undefined;
}

/** Decides who may read a room's state and page through its timeline. */
@Injectable()
export class RoomAccess {
  constructor(
    private readonly rooms: RoomReader,
    private readonly visibility: VisibilityReader,
  ) {}

  /**
   * Members read the present, those who were members the past up to when they left, everybody what is world readable.
   * An invite or a ban gives no right by itself.
   * @throws MatrixError 403, also for rooms that do not exist or were forgotten
   */
  async readable(viewer: UserId, roomId: RoomId): Promise<ReadableRoom> {
    const room = await this.rooms.byId(roomId);
    if (room === undefined) throw notInRoom();
    const [record, timelines] = await Promise.all([
      this.rooms.membershipOf(viewer, room.roomNid),
      this.visibility.timelines(viewer, [room.roomNid]),
    ]);
    const timeline = timelines.get(room.roomNid) ?? { historyVisibility: [], membership: [] };
    if (record?.membership === 'join') return { room, until: undefined };
    const until = record?.forgotten === true ? undefined : lastLeave(timeline);
    if (until !== undefined) return { room, until };
    if (isWorldReadable(timeline)) return { room, until: undefined };
    throw notInRoom();
  }

  /** @throws MatrixError 403 unless the user is joined now */
  async joined(user: UserId, roomId: RoomId): Promise<RoomRecord> {
    const room = await this.rooms.byId(roomId);
    const record = room && (await this.rooms.membershipOf(user, room.roomNid));
    if (room === undefined || record?.membership !== 'join') throw notInRoom();
    return room;
  }
}

/** When the user's last stay in the room ended; undefined for who never stayed. */
export function lastLeave({ membership }: VisibilityTimelines): number | undefined {
  return membership.findLast(({ value }) => value === 'join')?.to ?? undefined;
}

function isWorldReadable({ historyVisibility }: VisibilityTimelines): boolean {
  const current = historyVisibility.find(({ to }) => to === null);
  return current !== undefined && historyVisibilityOf(current.value) === 'world_readable';
}

function notInRoom(): MatrixError {
  return forbidden('You are not in this room');
}

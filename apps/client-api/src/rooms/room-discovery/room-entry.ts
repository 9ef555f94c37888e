import { isOpen, type Membership, RoomReader, roomsThatLetIn, type RoomSummary } from '@atoll/database';
import type { RoomId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';

/** Decides who is told of rooms: whoever is in them, may enter them, or may read them from outside. */
@Injectable()
export class RoomEntry {
  constructor(private readonly rooms: RoomReader) {}

  /**
   * Those of the rooms that the user is in or invited to, that a membership or the join rule opens to the user, or that everybody may
   * read.
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy
   */
  async of(userId: UserId, summaries: readonly RoomSummary[]): Promise<Set<RoomId>> {
    const looked = summaries.flatMap((summary) => [summary.room_id, ...roomsThatLetIn(summary)]);
    const memberships = await this.rooms.membershipsIn(userId, [...new Set(looked)]);
    return new Set(
      summaries.filter((summary) => mayEnterOrRead(summary, memberships)).map(({ room_id }) => room_id),
    );
  }
}

/** What strangers may know, too. */
export function isForEverybody(summary: RoomSummary): boolean {
  return summary.world_readable || isOpen(summary);
}

function mayEnterOrRead(summary: RoomSummary, memberships: ReadonlyMap<RoomId, Membership>): boolean {
  const own = memberships.get(summary.room_id);
  if (summary.world_readable || own === 'join' || own === 'invite') return true;
  if (own === 'ban') return false;
  return isOpen(summary) || roomsThatLetIn(summary).some((roomId) => memberships.get(roomId) === 'join');
}

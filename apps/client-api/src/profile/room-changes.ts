import { ChangeMembership } from '@atoll/contract';
import { type MembershipJob, ProfileReader, type RoomRecord, RoomReader } from '@atoll/database';
import { MatrixError } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Injectable } from '@nestjs/common';

const MAX_PARALLEL = 8;
const PRESENT = ['join', 'invite', 'knock'];

/** Carries a change of an account into the rooms of its user. */
@Injectable()
export class RoomChanges {
  constructor(
    private readonly rooms: RoomReader,
    private readonly profiles: ProfileReader,
    private readonly client: RoomClient,
  ) {}

  /** The rooms that a job concerns. */
  async roomsOf({ userId, kind }: MembershipJob): Promise<RoomRecord[]> {
    if (kind === 'update-profile') return this.rooms.joinedRooms(userId);
    const memberships = await this.rooms.membershipsOf(userId);
    const nids = memberships
      .filter(({ membership }) => PRESENT.includes(membership))
      .map(({ roomNid }) => roomNid);
    return [...(await this.rooms.byNids(nids)).values()];
  }

  /** False when some rooms could not be reached. A room that refuses is done with: asking again would not help. */
  async apply(job: MembershipJob, rooms: readonly RoomRecord[]): Promise<boolean> {
    const { userId, kind } = job;
    const profile = (await this.profiles.profileOf([userId])).get(userId) ?? {};
    const waiting = [...rooms];
    let allReached = true;
    const work = async () => {
      for (let room = waiting.shift(); room; room = waiting.shift()) {
        const input = {
          roomId: room.roomId,
          sender: userId,
          target: userId,
          action: kind === 'leave-all' ? ('leave' as const) : kind,
          content: kind === 'leave-all' ? {} : profile,
        };
        const idempotencyKey = `${kind} ${job.revision} ${userId} ${room.roomId}`;
        await this.client
          .request(ChangeMembership, input, { idempotencyKey })
          .catch((error: unknown) => {
            if (!(error instanceof MatrixError) || error.status >= 500) allReached = false;
          });
      }
    };
    await Promise.all(Array.from({ length: MAX_PARALLEL }, work));
    return allReached;
  }
}

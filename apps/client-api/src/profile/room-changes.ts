import { ChangeMembership } from '@atoll/contract';
import { type MembershipJob, ProfileReader, type RoomRecord, RoomReader } from '@atoll/database';
import { type JsonObject, MatrixError } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Injectable } from '@nestjs/common';
import { ViaServers } from '../rooms/membership/via-servers.js';

const MAX_PARALLEL = 8;
const PRESENT = ['join', 'invite', 'knock'];

/** Carries a change of an account into the rooms of its user. */
@Injectable()
export class RoomChanges {
  constructor(
    private readonly rooms: RoomReader,
    private readonly profiles: ProfileReader,
    private readonly via: ViaServers,
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
    const profile = (await this.profiles.profileOf([job.userId])).get(job.userId) ?? {};
    const waiting = [...rooms];
    let allReached = true;
    const work = async () => {
      for (let room = waiting.shift(); room; room = waiting.shift()) {
        await this.change(job, room, profile).catch((error: unknown) => {
          if (!(error instanceof MatrixError) || error.status >= 500) allReached = false;
        });
      }
    };
    await Promise.all(Array.from({ length: MAX_PARALLEL }, work));
    return allReached;
  }

  /**
   * An invite or a knock may be to a room that only other servers know: they are told. What takes them longer than a command waits
   * counts as not reached; asked for again, it is the same wish.
   */
  private async change(
    { userId, kind, revision }: MembershipJob,
    { roomId }: RoomRecord,
    profile: JsonObject,
  ): Promise<void> {
    const wanted =
      kind === 'leave-all'
        ? { action: 'leave' as const, content: {}, via: await this.via.of(userId, roomId) }
        : { action: kind, content: profile };
    const input = { roomId, sender: userId, target: userId, ...wanted };
    await this.client.request(ChangeMembership, input, {
      idempotencyKey: `${kind} ${revision} ${userId} ${roomId}`,
    });
  }
}

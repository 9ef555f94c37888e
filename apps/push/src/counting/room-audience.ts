import type { AudienceChange, LocalMember, RoomAudienceRecord } from '@atoll/database';
import { type ServerName, serverNameOf, type UserId } from '@atoll/matrix';

/**
 * The users of this server in a room, at one position of its timeline. They are read once, and from then on follow the changes: nobody
 * reads 10,000 members again because one more has joined.
 */
export class RoomAudience {
  readonly #local: Map<UserId, LocalMember>;
  #memberCount: number;

  constructor(
    { local, memberCount }: RoomAudienceRecord,
    private readonly serverName: ServerName,
  ) {
    this.#local = new Map(local.map((member) => [member.userId, member]));
    this.#memberCount = memberCount;
  }

  get size(): number {
    return this.#local.size;
  }

  /** Everybody in the room, of whatever server. */
  get memberCount(): number {
    return this.#memberCount;
  }

  members(): Iterable<LocalMember> {
    return this.#local.values();
  }

  /**
   * Goes on to the position of the change.
   * @returns whether a user of this server has left
   */
  apply({ userId, userNid, displayName, wasJoined, isJoined }: AudienceChange): boolean {
    this.#memberCount += Number(isJoined) - Number(wasJoined);
    if (serverNameOf(userId) !== this.serverName) return false;
    if (isJoined) this.#local.set(userId, { userId, userNid, displayName });
    else this.#local.delete(userId);
    return !isJoined;
  }
}

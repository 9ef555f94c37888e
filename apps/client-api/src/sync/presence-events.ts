import type { Config } from '@atoll/config';
import {
  type MemberProfile,
  PresenceReader,
  ProfileReader,
  type StreamPositions,
  type UserPresence,
} from '@atoll/database';
import { type JsonObject, serverNameOf, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';
import { presenceContent } from '../presence/presence-content.js';
import type { SyncRequest } from './sync-request.js';

/** What of the rooms of a sync decides whose presence it tells. */
export interface PresenceRooms {
  readonly joined: readonly number[];
  /** Joined rooms in which events happened. */
  readonly changed: ReadonlySet<number>;
  /** Joined rooms that are new to the client. */
  readonly fresh: readonly number[];
}

/** The presence of those who share a room with the user, with their display names and avatars. */
@Injectable()
export class PresenceEvents {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly presence: PresenceReader,
    private readonly profiles: ProfileReader,
  ) {}

  /** What changed since the last sync, and the presence of those with whom the user has come to share a room since. */
  async load(
    { userId, since, filter }: SyncRequest,
    to: StreamPositions,
    rooms: PresenceRooms,
    ignored: ReadonlySet<string>,
  ): Promise<JsonObject[]> {
    if (!this.config.presence || !filter.presence.matchesType('m.presence')) return [];
    const from = since?.presence ?? 0;
    const [changes, members, newMembers] = await Promise.all([
      from < to.presence ? this.presence.changes(userId, rooms.joined, from, to.presence) : [],
      since !== undefined && rooms.fresh.length > 0 ? this.presence.inRooms(rooms.fresh, to.presence) : [],
      since !== undefined && rooms.changed.size > 0
        ? this.presence.ofNewMembers([...rooms.changed], { from: since.events, to: to.events }, to.presence)
        : [],
    ]);
    const byUser = new Map<string, UserPresence>();
    for (const presence of [...members, ...newMembers, ...changes]) byUser.set(presence.userId, presence);
    const told = [...byUser.values()].filter(
      (presence) => !ignored.has(presence.userId) && filter.presence.matchesSender(presence.userId),
    );
    const profiles = await this.profilesOf(told);
    const now = Date.now();
    return told.map((presence) => ({
      type: 'm.presence',
      sender: presence.userId,
      content: { ...presenceContent(presence, now), ...profiles.get(presence.userId) },
    }));
  }

  /** Of users of this server: other servers tell none with the presence. */
  private async profilesOf(users: readonly UserPresence[]): Promise<Map<UserId, MemberProfile>> {
    const userIds = users.map(({ userId }) => userId);
    const own = userIds.filter((userId) => serverNameOf(userId) === this.config.serverName);
    return own.length === 0 ? new Map<UserId, MemberProfile>() : this.profiles.profileOf(own);
  }
}

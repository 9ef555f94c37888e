import { randomUUID } from 'node:crypto';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { RemoteRoom } from './remote-room.js';
import type { Signer } from './send-request.js';

export interface CreateRoomOptions {
  readonly creator: UserId;
  /** Default: 11. */
  readonly version?: string;
  /** Default: `public`. */
  readonly joinRule?: string | JsonObject;
  readonly powerLevels?: JsonObject;
  /** Beside the version and the creator. */
  readonly createContent?: JsonObject;
  /** More members of this server. */
  readonly members?: readonly UserId[];
}

/** A room on a scripted server: create, the creator's join, power levels, join rules, more members. */
export async function createRemoteRoom(signer: Signer, options: CreateRoomOptions): Promise<RemoteRoom> {
  const { creator, version = '11', joinRule = 'public', powerLevels, createContent, members = [] } = options;
  const unnamed = RemoteRoom.ofVersion(signer, version);
  const { rules } = unnamed;
  const roomId = `!${randomUUID()}:${signer.serverName}` as RoomId;
  const room = rules.roomIdIsCreateEventId ? unnamed : new RemoteRoom(signer, rules, roomId);
  const content = { room_version: version, ...(rules.creatorInContent && { creator }), ...createContent };
  await room.setState(creator, 'm.room.create', content);
  await join(room, creator);
  const users = rules.privilegedCreators ? {} : { [creator]: 100 };
  await room.setState(creator, 'm.room.power_levels', { users, ...powerLevels });
  const rule = typeof joinRule === 'string' ? { join_rule: joinRule } : joinRule;
  await room.setState(creator, 'm.room.join_rules', rule);
  for (const member of members) await join(room, member);
  return room;
}

async function join(room: RemoteRoom, user: UserId): Promise<void> {
  await room.setState(user, 'm.room.member', { membership: 'join' }, user);
}

import type { RoomActorReader } from '@atoll/database';
import {
  forbidden,
  isJsonObject,
  type JsonValue,
  type ServerName,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { powerLevelsIn, splitStateKey } from '@atoll/room-rules';
import type { LocalEventBuilder } from '../append-event/local-event-builder.js';
import type { RoomActor } from '../room-actor/room-actor.js';

const RESTRICTED = ['restricted', 'knock_restricted'];
/** The most power-level entries whose members are looked at for one who may invite. */
const MAX_CANDIDATES = 500;

/**
 * Joins by membership of another room: decides whether the condition holds, and names the member of this server who
 * lets the user in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
export class RestrictedJoins {
  constructor(
    private readonly reader: RoomActorReader,
    private readonly builder: LocalEventBuilder,
    private readonly serverName: ServerName,
  ) {}

  /**
   * The value of `join_authorised_via_users_server`; `undefined` when the join needs none (another join rule, or the user is
   * invited or joined already).
   * @throws MatrixError 403 when the user meets no condition or nobody of this server may let the user in
   */
  async authoriser(actor: RoomActor, user: UserId): Promise<UserId | undefined> {
    const lookup = await this.builder.stateLookup(actor, [
      ['m.room.join_rules', ''],
      ['m.room.member', user],
      ['m.room.create', ''],
      ['m.room.power_levels', ''],
    ]);
    const joinRules = lookup('m.room.join_rules', '')?.pdu.content;
    if (!RESTRICTED.includes(joinRules?.['join_rule'] as string)) return undefined;
    const membership = lookup('m.room.member', user)?.pdu.content['membership'];
    if (membership === 'join' || membership === 'invite' || membership === 'ban') return undefined;
    if (!(await this.reader.isJoinedToAny(user, allowedRooms(joinRules?.['allow'])))) {
      throw forbidden('You are in none of the rooms that this room admits from');
    }
    const levels = powerLevelsIn(lookup, actor.rules);
    const mayInvite = (candidate: UserId) => levels.userLevel(candidate) >= levels.level('invite');
    const candidates = localMembers(actor, this.serverName).filter(mayInvite).slice(0, MAX_CANDIDATES);
    const members = await this.builder.stateLookup(
      actor,
      candidates.map((candidate) => ['m.room.member', candidate]),
    );
    const joined = candidates.find(
      (candidate) => members('m.room.member', candidate)?.pdu.content['membership'] === 'join',
    );
    if (!joined) throw forbidden('Nobody on this server may let you in');
    return joined;
  }
}

function allowedRooms(allow: JsonValue | undefined): string[] {
  if (!Array.isArray(allow)) return [];
  return allow.flatMap((condition) =>
    isJsonObject(condition) &&
    condition['type'] === 'm.room_membership' &&
    typeof condition['room_id'] === 'string'
      ? condition['room_id']
      : [],
  );
}

function localMembers(actor: RoomActor, serverName: ServerName): UserId[] {
  const users: UserId[] = [];
  for (const key of actor.state.keys()) {
    const [type, user] = splitStateKey(key);
    if (type === 'm.room.member' && serverNameOf(user as UserId) === serverName) users.push(user as UserId);
  }
  return users;
}

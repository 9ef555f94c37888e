import type { RoomActorReader } from '@atoll/database';
import {
  forbidden,
  isJsonObject,
  isRoomId,
  isUserId,
  type JsonValue,
  type ServerName,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { powerLevelsIn, type RoomVersionRules, type StateLookup } from '@atoll/room-rules';
import type { LocalEventBuilder } from '../append-event/local-event-builder.js';
import type { RoomActor } from '../room-actor/room-actor.js';

/** The most members that are looked at for one who may invite. */
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
    if (!isRestricted(joinRules?.['join_rule'], actor.rules)) return undefined;
    const membership = lookup('m.room.member', user)?.pdu.content['membership'];
    if (membership === 'join' || membership === 'invite' || membership === 'ban') return undefined;
    if (!(await this.reader.isJoinedToAny(user, allowedRooms(joinRules?.['allow'])))) {
      throw forbidden('You are in none of the rooms that this room admits from');
    }
    const levels = powerLevelsIn(lookup, actor.rules);
    const mayInvite = (candidate: UserId) => levels.userLevel(candidate) >= levels.level('invite');
    const joined =
      (await this.firstJoined(actor, this.named(lookup).filter(mayInvite))) ??
      // Whoever has no level of his own has the default one, so that any of them shows whether they may.
      (await this.firstJoined(actor, (await this.someMembers(actor)).filter(mayInvite)));
    if (!joined) throw forbidden('Nobody on this server may let you in');
    return joined;
  }

  /** Users of this server with a power level of their own. */
  private named(lookup: StateLookup): UserId[] {
    const create = lookup('m.room.create', '');
    const users = lookup('m.room.power_levels', '')?.pdu.content['users'];
    const names = [
      create?.pdu.sender,
      ...asArray(create?.pdu.content['additional_creators']),
      ...(isJsonObject(users) ? Object.keys(users) : []),
    ];
    return names.filter(isUserId).filter((user) => serverNameOf(user) === this.serverName);
  }

  private someMembers(actor: RoomActor): Promise<UserId[]> {
    return this.reader.joinedUsersOf(actor.roomNid, this.serverName, MAX_CANDIDATES);
  }

  private async firstJoined(actor: RoomActor, candidates: readonly UserId[]): Promise<UserId | undefined> {
    const some = candidates.slice(0, MAX_CANDIDATES);
    const members = await this.builder.stateLookup(
      actor,
      some.map((candidate) => ['m.room.member', candidate]),
    );
    return some.find(
      (candidate) => members('m.room.member', candidate)?.pdu.content['membership'] === 'join',
    );
  }
}

/** In room versions without such a join rule nobody is let in by it, with or without an authoriser. */
function isRestricted(joinRule: JsonValue | undefined, rules: RoomVersionRules): boolean {
  if (joinRule === 'knock_restricted') return rules.knockRestrictedJoinRule;
  return joinRule === 'restricted' && rules.authRules.joinUnauthorised !== undefined;
}

const asArray = (value: JsonValue | undefined) => (Array.isArray(value) ? value : []);

function allowedRooms(allow: JsonValue | undefined): string[] {
  if (!Array.isArray(allow)) return [];
  return allow.flatMap((condition) =>
    isJsonObject(condition) && condition['type'] === 'm.room_membership' && isRoomId(condition['room_id'])
      ? condition['room_id']
      : [],
  );
}

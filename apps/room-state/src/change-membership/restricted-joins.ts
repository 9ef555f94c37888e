import type { RoomActorReader, RoomServersReader } from '@atoll/database';
import {
  forbidden,
  isJsonObject,
  isRoomId,
  isUserId,
  type JsonValue,
  MatrixError,
  type RoomId,
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
    private readonly servers: RoomServersReader,
    private readonly builder: LocalEventBuilder,
    private readonly serverName: ServerName,
  ) {}

  /**
   * The value of `join_authorised_via_users_server`; `undefined` when the join needs none (another join rule, or the user is
   * invited or joined already).
   * @throws MatrixError 403 when the user meets no condition or nobody of this server may let the user in
   */
  async authoriser(actor: RoomActor, user: UserId): Promise<UserId | undefined> {
    const lookup = await this.lookup(actor, user);
    if (!needsAuthoriser(lookup, user, actor.rules)) return undefined;
    await this.assertConditionIn(lookup, user);
    const levels = powerLevelsIn(lookup, actor.rules);
    const mayInvite = (candidate: UserId) => levels.userLevel(candidate) >= levels.level('invite');
    const joined =
      (await this.firstJoined(actor, this.named(lookup).filter(mayInvite))) ??
      // Whoever has no level of his own has the default one, so that any of them shows whether they may.
      (await this.firstJoined(actor, (await this.someMembers(actor)).filter(mayInvite)));
    if (!joined) throw new NobodyHereMayAuthorise();
    return joined;
  }

  /**
   * The same for a user of another server, who asks this one to let them in.
   * @throws MatrixError 400 `M_UNABLE_TO_AUTHORISE_JOIN`, 400 `M_UNABLE_TO_GRANT_JOIN`, 403 `M_FORBIDDEN`
   * @see https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms
   */
  async authoriserForOthers(actor: RoomActor, user: UserId): Promise<UserId | undefined> {
    await this.assertMeetsCondition(actor, user);
    try {
      return await this.authoriser(actor, user);
    } catch (error) {
      if (!(error instanceof NobodyHereMayAuthorise)) throw error;
      throw new MatrixError(400, 'M_UNABLE_TO_GRANT_JOIN', 'Nobody on this server may let the user in');
    }
  }

  /**
   * That the user may join by the condition of a restricted room, where the join rule asks for one.
   * @throws MatrixError 400 `M_UNABLE_TO_AUTHORISE_JOIN` when this server cannot tell, 403 when the user meets none
   */
  async assertMeetsCondition(actor: RoomActor, user: UserId): Promise<void> {
    const lookup = await this.lookup(actor, user);
    if (!needsAuthoriser(lookup, user, actor.rules)) return;
    const rooms = allowedRooms(lookup('m.room.join_rules', '')?.pdu.content['allow']);
    // Of a room that this server is not in, it does not know the members.
    if (rooms.length > 0 && (await this.servers.roomsOf(this.serverName, rooms)).size === 0) {
      throw new MatrixError(400, 'M_UNABLE_TO_AUTHORISE_JOIN', 'This server cannot check the conditions');
    }
    await this.assertConditionIn(lookup, user);
  }

  private async assertConditionIn(lookup: StateLookup, user: UserId): Promise<void> {
    const rooms = allowedRooms(lookup('m.room.join_rules', '')?.pdu.content['allow']);
    const known = await this.servers.roomsOf(this.serverName, rooms);
    if (!(await this.reader.isJoinedToAny(user, [...known]))) {
      throw forbidden('You are in none of the rooms that this room admits from');
    }
  }

  private lookup(actor: RoomActor, user: UserId): Promise<StateLookup> {
    return this.builder.stateLookup(actor, [
      ['m.room.join_rules', ''],
      ['m.room.member', user],
      ['m.room.create', ''],
      ['m.room.power_levels', ''],
    ]);
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

/** The user meets a condition, and it takes a member of another server to let the user in. */
export class NobodyHereMayAuthorise extends MatrixError {
  constructor() {
    super(403, 'M_FORBIDDEN', 'Nobody on this server may let you in');
  }
}

/** Whether the user may only join by a condition: neither invited nor joined already, and not banned, which no condition lifts. */
function needsAuthoriser(lookup: StateLookup, user: UserId, rules: RoomVersionRules): boolean {
  if (!isRestricted(lookup('m.room.join_rules', '')?.pdu.content['join_rule'], rules)) return false;
  const membership = lookup('m.room.member', user)?.pdu.content['membership'];
  return membership !== 'join' && membership !== 'invite' && membership !== 'ban';
}

/** In room versions without such a join rule nobody is let in by it, with or without an authoriser. */
function isRestricted(joinRule: JsonValue | undefined, rules: RoomVersionRules): boolean {
  if (joinRule === 'knock_restricted') return rules.knockRestrictedJoinRule;
  return joinRule === 'restricted' && rules.authRules.joinUnauthorised !== undefined;
}

const asArray = (value: JsonValue | undefined) => (Array.isArray(value) ? value : []);

function allowedRooms(allow: JsonValue | undefined): RoomId[] {
  if (!Array.isArray(allow)) return [];
  return allow.flatMap((condition) =>
    isJsonObject(condition) && condition['type'] === 'm.room_membership' && isRoomId(condition['room_id'])
      ? condition['room_id']
      : [],
  );
}

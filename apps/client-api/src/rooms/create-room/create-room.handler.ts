import type { Config } from '@atoll/config';
import { type CommandInput, type CreateRoom, ROOM_EXISTS } from '@atoll/contract';
import { AliasReader } from '@atoll/database';
import { CanonicalJsonError } from '@atoll/event-crypto';
import {
  badJson,
  type JsonObject,
  MatrixError,
  overloaded,
  type RoomAlias,
  type RoomId,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { creatorsOf, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { RoomCommands } from '../commands/room-commands.js';
import { noIdentityServer } from '../invite-user/no-identity-server.js';
import { MemberProfiles } from '../membership/member-profiles.js';
import { createContent, createEvent } from './create-event.js';
import type { CreateRoomBody } from './create-room.schema.js';
import { initialAlias } from './initial-alias.js';

type Input = CommandInput<typeof CreateRoom>;

/** Tries with another time, where the same user made the same room elsewhere in the same millisecond. */
const MAX_TRIES = 3;
const RETRY_AFTER_MS = 1000;

/** Creates a room: composes the command, of which the create event is a part because it may decide the room's id. */
@Injectable()
export class CreateRoomHandler {
  private lastTimestamp = 0;

  constructor(
    private readonly aliases: AliasReader,
    private readonly profiles: MemberProfiles,
    private readonly commands: RoomCommands,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * 1. The room version's rules; nobody can be invited by e-mail address.
   * 2. The alias is free.
   * 3. The create event's content, and power levels that do not name its creators.
   * 4. The profiles of the members to be.
   * 5. The create event, and with it the room id; the room's owner does the rest in one commit.
   * 6. Users of other servers are invited: their servers must be asked. One that refuses or cannot be reached does not take the room away
   *    from its creator, who sees whom it holds and can invite again.
   * @throws MatrixError `M_ROOM_IN_USE`, `M_INVALID_ROOM_STATE` when the room's own rules refuse an initial event
   */
  async handle(creator: UserId, body: CreateRoomBody): Promise<RoomId> {
    const rules = rulesOf(body.room_version ?? this.config.defaultRoomVersion);
    if (rules === undefined) throw new Error('The default room version is not supported');
    if (body.invite_3pid.length > 0) throw noIdentityServer();
    const alias = await this.freeAlias(body);
    const content = createContent(creator, body, rules);
    const profileOf = await this.profiles.of([creator, ...body.invite]);
    const rest: Omit<Input, 'roomId' | 'createEvent'> = {
      roomVersion: rules.version,
      creator,
      preset: body.preset ?? (body.visibility === 'public' ? 'public_chat' : 'private_chat'),
      creatorProfile: profileOf(creator),
      inDirectory: body.visibility === 'public',
      ...(alias !== undefined && { alias }),
      ...(body.name !== undefined && { name: body.name }),
      ...(body.topic !== undefined && { topic: body.topic }),
      isDirect: body.is_direct,
      invite: body.invite.map((userId) => ({ userId, profile: profileOf(userId) })),
      initialState: body.initial_state.map(({ type, state_key, content: state }) => {
        return { type, stateKey: state_key, content: state };
      }),
      ...(body.power_level_content_override && {
        powerLevelContentOverride: body.power_level_content_override as JsonObject,
      }),
    };
    const roomId = await this.create(rest, content, rules);
    await this.inviteOthers(creator, roomId, body);
    return roomId;
  }

  private async inviteOthers(creator: UserId, roomId: RoomId, body: CreateRoomBody): Promise<void> {
    const others = body.invite.filter((userId) => serverNameOf(userId) !== this.config.serverName);
    const content = body.is_direct ? { is_direct: true } : {};
    const invites = [...new Set(others)].map((target) =>
      this.commands.changeMembership({ roomId, sender: creator, target, action: 'invite', content }),
    );
    for (const invite of await Promise.allSettled(invites)) {
      if (invite.status === 'rejected' && !(invite.reason instanceof MatrixError)) throw invite.reason;
    }
  }

  private async create(
    rest: Omit<Input, 'roomId' | 'createEvent'>,
    content: JsonObject,
    rules: RoomVersionRules,
  ): Promise<RoomId> {
    for (let tries = 1; ; tries++) {
      const { event, createEvent: hashed } = this.hash(rest.creator, content, rules);
      assertCreatorsHaveNoLevel(creatorsOf(event, rules), rest.powerLevelContentOverride, rules);
      try {
        return await this.commands.createRoom({ ...rest, roomId: event.roomId, createEvent: hashed });
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        if (error.status === 403) throw new MatrixError(400, 'M_INVALID_ROOM_STATE', error.message);
        if (error.errcode !== ROOM_EXISTS) throw error;
        if (tries === MAX_TRIES) throw overloaded(RETRY_AFTER_MS);
      }
    }
  }

  private hash(creator: UserId, content: JsonObject, rules: RoomVersionRules) {
    const { serverName } = this.config;
    // Two create events of one user and one millisecond could be the same event, and so the same room.
    this.lastTimestamp = Math.max(this.lastTimestamp + 1, Date.now());
    try {
      const event = createEvent(creator, content, rules, { serverName, timestamp: this.lastTimestamp });
      const { signatures: _, ...unsigned } = event.pdu;
      return { event, createEvent: unsigned as JsonObject };
    } catch (error) {
      if (error instanceof CanonicalJsonError) throw badJson(error.message);
      throw error;
    }
  }

  private async freeAlias({ room_alias_name: name }: CreateRoomBody): Promise<RoomAlias | undefined> {
    if (name === undefined) return undefined;
    const alias = initialAlias(name, this.config.serverName);
    if (await this.aliases.find(alias))
      throw new MatrixError(400, 'M_ROOM_IN_USE', `Room alias ${alias} is taken`);
    return alias;
  }
}

function assertCreatorsHaveNoLevel(
  creators: readonly string[],
  override: JsonObject | undefined,
  rules: RoomVersionRules,
): void {
  const users = override?.['users'];
  if (!rules.privilegedCreators || typeof users !== 'object' || users === null) return;
  if (creators.some((creator) => Object.hasOwn(users, creator))) {
    throw badJson('The creators of the room cannot be given a power level');
  }
}

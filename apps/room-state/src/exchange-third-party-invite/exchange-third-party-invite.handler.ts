import { type CommandInput, type CommandOutput, ExchangeThirdPartyInvite } from '@atoll/contract';
import {
  type EventId,
  forbidden,
  type JsonObject,
  notFound,
  type RoomEvent,
  serverNameOf,
} from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { type HashedEvent, keysThatSigned } from '@atoll/room-rules';
import { Controller } from '@nestjs/common';
import { LocalEventBuilder } from '../append-event/local-event-builder.js';
import { InvitePermissions } from '../invite-permission/invite-permissions.js';
import { LocalEventSending } from '../policy-server/local-event-sending.js';
import { OwnSignature } from '../remote-rooms/own-signature.js';
import { RemoteInvites } from '../remote-rooms/remote-invites.js';
import { UnjoinedRooms } from '../remote-rooms/unjoined-rooms.js';
import { deadlineOf } from '../room-actor/deadline.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import { RoomCommands } from '../room-actor/room-commands.js';
import { KeyValidity } from './key-validity.js';

type Input = CommandInput<typeof ExchangeThirdPartyInvite>;
type Output = CommandOutput<typeof ExchangeThirdPartyInvite>;
type Built = {
  readonly hashed: HashedEvent;
  readonly prev: readonly EventId[];
  /** The `m.room.third_party_invite` event that it rests on. */
  readonly invite: RoomEvent | undefined;
};

/** Makes invites of users out of invites by e-mail and the like. */
@Controller()
export class ExchangeThirdPartyInviteHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly validity: KeyValidity,
    private readonly sending: LocalEventSending,
    private readonly builder: LocalEventBuilder,
    private readonly invites: RemoteInvites,
    private readonly unjoined: UnjoinedRooms,
    private readonly own: OwnSignature,
    private readonly permissions: InvitePermissions,
  ) {}

  /**
   * 1. This server is in the room, and its user sent the invite: only then the new event gets its signature.
   * 2. The invited user is neither invited nor in the room already: the auth rules would put members out, down to the invite.
   *    Nor has the user left or been put out since the invite. A user of this server may block it.
   * 3. The member event, with the name that the room was told. That an identity server vouches for the user is what the auth rules check.
   * 4. Outside of the room's turn: the identity server says that the key is still valid. No other server asks, for all have to
   *    come to the same end.
   * 5. A user of another server is invited with the help of that server, one of this server at once.
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid
   */
  @OnCommand(ExchangeThirdPartyInvite)
  async handle(input: Input, context: CommandContext): Promise<Output> {
    const deadline = deadlineOf(context);
    const { sender, target, roomId } = input;
    if (serverNameOf(sender) !== this.own.serverName)
      throw forbidden('The inviting user is of another server');
    const asked = await this.rooms.run(roomId, deadline, async (actor) => ({
      answer: await this.build(actor, input),
    }));
    if (!asked) return { eventId: null };
    await this.permissions.assertAllowed(sender, [target]);
    const keys = [...keysThatSigned(input.signed, asked.invite?.pdu.content ?? {})];
    await this.validity.assertOneValid(keys, deadline);
    const buildAgain = async (actor: RoomActor | undefined) => {
      const built = await this.build(actor, input);
      if (built && built.invite?.eventId !== asked.invite?.eventId)
        throw forbidden('The invite was replaced meanwhile');
      return built;
    };
    if (serverNameOf(target) !== this.own.serverName) {
      const build = async (actor: RoomActor | undefined) => (await buildAgain(actor))?.hashed;
      return { eventId: (await this.invites.send(input, deadline, build)) ?? null };
    }
    return this.sending.run<Output>(roomId, deadline, undefined, async (actor) => {
      const built = await buildAgain(actor);
      if (!actor || !built) return { answer: { eventId: null } };
      const pending = await this.builder.append(actor, built);
      const { extremities, depth } = actor;
      return {
        answer: { eventId: pending.event.eventId },
        unit: { actor, events: [pending], extremities, depth },
      };
    });
  }

  /** @returns undefined when nothing has to change */
  private async build(
    actor: RoomActor | undefined,
    { sender, target, signed }: Input,
  ): Promise<Built | undefined> {
    if (!actor || !(await this.unjoined.isJoined(actor))) throw notFound('This server is not in such a room');
    const token = typeof signed['token'] === 'string' ? signed['token'] : '';
    const lookup = await this.builder.stateLookup(actor, [
      ['m.room.third_party_invite', token],
      ['m.room.member', target],
    ]);
    const [invite, member] = [lookup('m.room.third_party_invite', token), lookup('m.room.member', target)];
    const membership = member?.pdu.content['membership'];
    if (membership === 'join' || membership === 'invite') return undefined;
    // What an identity server signed can be shown again and again. It must not undo what moderators did since, whatever the user did then.
    if (invite && member && member.pdu.depth > invite.pdu.depth) {
      throw forbidden('The user has left the room or was put out of it after the invite');
    }
    const content = {
      membership: 'invite',
      third_party_invite: { display_name: nameIn(invite?.pdu.content), signed },
    };
    const local = { type: 'm.room.member', sender, stateKey: target, content };
    return { ...(await this.builder.build(actor, local)), invite };
  }
}

function nameIn(content: JsonObject = {}): string {
  const { display_name: name } = content;
  return typeof name === 'string' ? name : '';
}

import { type CommandInput, type CommandOutput, CreateRoom, ROOM_EXISTS } from '@atoll/contract';
import { isUniqueViolation, type NewRoom, RoomActorReader, RoomTransactor } from '@atoll/database';
import { badJson, MatrixError, type Pdu } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { type EventDraft, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { Controller } from '@nestjs/common';
import { EarlierAnswers } from '../answers/earlier-answers.js';
import { hash, LocalEventBuilder } from '../append-event/local-event-builder.js';
import { deadlineOf } from '../room-actor/deadline.js';
import type { PendingEvent } from '../room-actor/pending-event.js';
import { InvitePermissions } from '../invite-permission/invite-permissions.js';
import { RoomActor } from '../room-actor/room-actor.js';
import { type Decision, RoomCommands } from '../room-actor/room-commands.js';
import { RoomRegistry } from '../room-actor/room-registry.js';
import { initialEvents } from './initial-events.js';

type Input = CommandInput<typeof CreateRoom>;
type Output = CommandOutput<typeof CreateRoom>;

/** Creates a room: all its first events, its alias and its place in the directory in one commit. */
@Controller()
export class CreateRoomHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly registry: RoomRegistry,
    private readonly answers: EarlierAnswers,
    private readonly builder: LocalEventBuilder,
    private readonly reader: RoomActorReader,
    private readonly transactor: RoomTransactor,
    private readonly permissions: InvitePermissions,
  ) {}

  /**
   * 1. Repeated: the first answer again.
   * 2. Nobody of this server who is invited blocks it: no room comes of it.
   * 3. The draft of the create event must be what it claims to be: its hash is the room id where the version says so.
   * 4. An actor for the empty room.
   * 5. Every event through the same rules as any other, in the specification's order; one refusal undoes all.
   * 6. One commit. Where another room was made under the same idempotency key at the same time, by another owner, it is the answer.
   * @throws MatrixError `M_ROOM_IN_USE` when the alias is taken, `M_INVITE_BLOCKED`, or the refusal of an initial event
   */
  @OnCommand(CreateRoom)
  handle(input: Input, context: CommandContext): Promise<Output> {
    const earlier = this.answers.command(context.idempotencyKey);
    return this.answers.once(earlier, deadlineOf(context), async () => {
      await this.permissions.assertAllowed(input.creator, invitedBy(input));
      try {
        return await this.rooms.run(input.roomId, deadlineOf(context), (existing) => {
          if (existing) throw roomExists();
          return this.create(input, context);
        });
      } catch (error) {
        if (isUniqueViolation(error, 'room_aliases_pkey')) throw aliasInUse();
        if (isUniqueViolation(error, 'command_results_pkey')) return (await earlier.stored()) as Output;
        if (isUniqueViolation(error, 'events_event_id_key') || isUniqueViolation(error, 'rooms_room_id_key'))
          throw roomExists();
        throw error;
      }
    });
  }

  private async create(input: Input, context: CommandContext): Promise<Decision<Output>> {
    if (input.alias && (await this.reader.aliasExists(input.alias))) throw aliasInUse();
    const rules = rulesOf(input.roomVersion);
    if (!rules)
      throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', 'This room version is not supported');
    const draft = createDraft(input, rules);
    const { partition, epoch } = this.registry.ownership(input.roomId);
    const roomNid = await this.transactor.reserveRoomNid();
    const actor = new RoomActor(input.roomId, roomNid, rules, partition, epoch, new Map(), new Map(), 0, 0);
    const events = await this.firstEvents(actor, draft, input);
    const answer = { roomId: input.roomId };
    return {
      answer,
      unit: {
        actor,
        events,
        extremities: actor.extremities,
        depth: actor.depth,
        newRoom: newRoom(input, actor),
        commandResult: { key: context.idempotencyKey, result: answer },
      },
    };
  }

  private async firstEvents(actor: RoomActor, draft: EventDraft, input: Input): Promise<PendingEvent[]> {
    try {
      const hashed = await this.builder.check(actor, draft);
      const events = [await this.builder.append(actor, { hashed, prev: [] })];
      for (const local of initialEvents(input, actor.rules)) {
        events.push(await this.builder.append(actor, await this.builder.build(actor, local)));
      }
      return events;
    } catch (error) {
      this.registry.drop(actor);
      throw error;
    }
  }
}

function invitedBy({ invite, initialState }: Input): string[] {
  const invites = initialState.filter(
    ({ type, content }) => type === 'm.room.member' && content['membership'] === 'invite',
  );
  return [...invite.map(({ userId }) => userId), ...invites.map(({ stateKey }) => stateKey)];
}

/** @throws MatrixError when the draft is not the create event of this room by this creator */
function createDraft(input: Input, rules: RoomVersionRules): EventDraft {
  const { hashes, signatures, ...draft } = input.createEvent as unknown as Pdu;
  const { event } = hash(draft, rules);
  const { pdu } = event;
  const isCreate = pdu.type === 'm.room.create' && pdu.state_key === '' && pdu.prev_events.length === 0;
  const fits = pdu.sender === input.creator && pdu.content['room_version'] === input.roomVersion;
  if (!isCreate || !fits || event.roomId !== input.roomId) {
    throw badJson('The create event does not belong to the room');
  }
  return draft;
}

function newRoom(input: Input, actor: RoomActor): NewRoom {
  return {
    roomNid: actor.roomNid,
    roomId: input.roomId,
    version: input.roomVersion,
    partition: actor.partition,
    inDirectory: input.inDirectory,
    ...(input.alias && { alias: { alias: input.alias, creator: input.creator } }),
  };
}

/** Two create events of one user and one millisecond are the same event, so the same room: the caller takes another time. */
function roomExists(): MatrixError {
  return new MatrixError(409, ROOM_EXISTS, 'The room exists already');
}

function aliasInUse(): MatrixError {
  return new MatrixError(400, 'M_ROOM_IN_USE', 'The alias is taken');
}

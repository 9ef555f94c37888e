import type { ClaimedStateReader } from '@atoll/database';
import type { EventId } from '@atoll/matrix';
import { type StateKey, stateKey, type StateMap } from '@atoll/room-rules';
import type { OutlierIntake, OutlierRoom } from '../outliers/outlier-intake.js';
import { unusable } from '../remote-rooms/ask-in-turn.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { Question, RoomQueries } from './room-queries.js';

/** From this many unknown events on, the whole state is asked for at once. */
const MAX_SINGLE_EVENTS = 100;

/** A room that this server has the state of, as it was when it was looked at. */
export interface KnownRoom extends OutlierRoom {
  readonly createId: EventId;
  readonly extremities: readonly EventId[];
}

/** `undefined` for a room that this server is not in. */
export function knownRoom(actor: RoomActor): KnownRoom | undefined {
  const createId = actor.stateEventId('m.room.create', '');
  if (createId === undefined) return undefined;
  const { roomId, roomNid, rules, partition, epoch, extremities } = actor;
  return { roomId, roomNid, rules, partition, epoch, createId, extremities: [...extremities.keys()] };
}

/**
 * States at events that this server does not have, as another server of the room tells them. It may lie by leaving out and by telling
 * old state, as every server of a room can; each event of it is one that its sender's server signed and its auth events allow.
 */
export class GapStates {
  constructor(
    private readonly queries: RoomQueries,
    private readonly intake: OutlierIntake,
    private readonly reader: ClaimedStateReader,
  ) {}

  /**
   * The state before an event. Its events and their auth chain are stored as outliers where they were unknown.
   * @throws NoHelp, NotOwnerError
   */
  async before(room: KnownRoom, eventId: EventId, question: Question): Promise<StateMap> {
    const { state, authChain } = await this.queries.stateIds(question, eventId);
    await this.bring(room, [...new Set([...authChain, ...state])], eventId, question);
    const standing = new Map<StateKey, EventId>();
    for (const one of await this.reader.known(room.roomNid, state)) {
      if (one.rejected || one.stateKey === null) continue;
      standing.set(stateKey(one.type, one.stateKey), one.eventId);
    }
    if (standing.get(stateKey('m.room.create', '')) !== room.createId) {
      throw unusable(question.server, 'a state of another room');
    }
    return standing;
  }

  /** The state after an event. @throws NoHelp, NotOwnerError */
  async after(room: KnownRoom, eventId: EventId, question: Question): Promise<StateMap> {
    const before = await this.before(room, eventId, question);
    if ((await this.reader.known(room.roomNid, [eventId])).length === 0) {
      await this.intake.take(room, await this.queries.event(question, eventId));
    }
    const [event] = await this.reader.known(room.roomNid, [eventId]);
    if (!event) throw unusable(question.server, 'it does not give the event');
    if (event.rejected || event.stateKey === null) return before;
    return new Map([...before, [stateKey(event.type, event.stateKey), eventId]]);
  }

  private async bring(
    room: OutlierRoom,
    ids: readonly EventId[],
    at: EventId,
    question: Question,
  ): Promise<void> {
    const known = new Set((await this.reader.known(room.roomNid, ids)).map(({ eventId }) => eventId));
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length === 0) return;
    const texts =
      unknown.length > MAX_SINGLE_EVENTS
        ? await this.queries.state(question, at)
        : await this.queries.events(question, unknown);
    await this.intake.take(room, texts);
  }
}

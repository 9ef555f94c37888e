import { setImmediate } from 'node:timers/promises';
import type {
  AudienceChange,
  CountableEvents,
  PlacedEvent,
  RoomAudienceReader,
  UnreadPlace,
} from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import {
  type CountableEvent,
  type NotifiedUser,
  stepOf,
  EvaluationTurns,
  UnreadChange,
} from '@atoll/push-rules';
import type { PushSettings } from './push-settings.js';
import type { RoomAudience } from './room-audience.js';
import type { RoomAudiences } from './room-audiences.js';

/** What a stretch of the stream changes for one user in one room. */
export type PlaceChange = UnreadPlace & Pick<UnreadChange, 'forgetsRoom' | 'forgotten' | 'added'>;

/** Tries the rules of the users in a room on what happens there. */
export class EventCounter {
  constructor(
    private readonly events: CountableEvents,
    private readonly members: RoomAudienceReader,
    private readonly audiences: RoomAudiences,
    private readonly settings: PushSettings,
  ) {}

  /** What the next events of some rooms change: all events of these rooms in the stretch, in order. One change for each user and room. */
  async count(placed: readonly PlacedEvent[]): Promise<PlaceChange[]> {
    const [first, last] = [placed.at(0), placed.at(-1)];
    if (first === undefined || last === undefined) return [];
    await this.settings.refresh();

    // 1. Who is in the rooms before the first of the events in each, and how that changes.
    const rooms = await this.roomsBefore(placed);
    const roomNids = [...rooms.keys()];
    const changes = await this.members.changes(roomNids, first.position - 1, last.position);
    const inhabited = new Set(changes.map(({ roomNid }) => roomNid));
    for (const [roomNid, room] of rooms) if (room.size > 0) inhabited.add(roomNid);

    // 2. The events of those in which there is anybody, and what decides about them.
    const settings = await this.settings.of(usersOf(rooms.values(), changes));
    const own = placed.filter(({ roomNid }) => inhabited.has(roomNid));
    const events = await this.events.load(own, settings.values());

    // 3. The one after the other, each as its room is with it.
    const pending = new PendingChanges();
    const changesAt = Map.groupBy(changes, ({ position }) => position);
    const turns = new EvaluationTurns();
    for (const event of events) {
      const room = rooms.get(event.roomNid);
      if (room === undefined) continue;
      const sizeBefore = room.size;
      for (const change of changesAt.get(event.position) ?? []) {
        if (room.apply(change)) pending.of(change.roomNid, change.userNid).forgetRoom();
      }
      await countEvent(event, room, settings, pending, turns);
      // A join by way of another server brings a whole state, which is no change of the timeline.
      if (sizeBefore === 0 && room.size > 0) await this.reload(rooms, event);
    }
    return pending.all();
  }

  private async roomsBefore(placed: readonly PlacedEvent[]): Promise<Map<number, RoomAudience>> {
    const rooms = new Map<number, RoomAudience>();
    for (const { roomNid, position } of placed) {
      if (!rooms.has(roomNid)) rooms.set(roomNid, await this.audiences.at(roomNid, position - 1));
    }
    return rooms;
  }

  private async reload(
    rooms: Map<number, RoomAudience>,
    { roomNid, position }: CountableEvent,
  ): Promise<void> {
    this.audiences.forget(roomNid);
    rooms.set(roomNid, await this.audiences.at(roomNid, position));
  }
}

async function countEvent(
  event: CountableEvent,
  room: RoomAudience,
  settings: ReadonlyMap<UserId, NotifiedUser>,
  pending: PendingChanges,
  turns: EvaluationTurns,
): Promise<void> {
  const { memberCount } = room;
  for (const { userId, userNid, displayName } of room.members()) {
    const user = settings.get(userId);
    if (user === undefined) continue;
    const step = stepOf(event, user, { displayName, memberCount });
    if (step.effect !== 'none') pending.of(event.roomNid, userNid).take(step);
    if (turns.isLong()) await setImmediate();
  }
}

function usersOf(rooms: Iterable<RoomAudience>, changes: readonly AudienceChange[]): Set<UserId> {
  const users = new Set<UserId>();
  for (const room of rooms) for (const { userId } of room.members()) users.add(userId);
  for (const { userId, isJoined } of changes) if (isJoined) users.add(userId);
  return users;
}

/** What has to be written, by room and user. */
class PendingChanges {
  readonly #rooms = new Map<number, Map<number, UnreadChange>>();

  of(roomNid: number, userNid: number): UnreadChange {
    let room = this.#rooms.get(roomNid);
    if (!room) this.#rooms.set(roomNid, (room = new Map<number, UnreadChange>()));
    let change = room.get(userNid);
    if (!change) room.set(userNid, (change = new UnreadChange()));
    return change;
  }

  all(): PlaceChange[] {
    return Array.from(this.#rooms, ([roomNid, room]) =>
      Array.from(room, ([userNid, { forgetsRoom, forgotten, added }]) => {
        return { roomNid, userNid, forgetsRoom, forgotten, added };
      }),
    ).flat();
  }
}

import type { RoomEvent, UserId } from '@atoll/matrix';
import {
  type CountableEvent,
  flatten,
  MAIN_TIMELINE,
  mentionsRoom,
  type NotifiedUser,
} from '@atoll/push-rules';
import { PowerLevels, redactEvent, rulesOf } from '@atoll/room-rules';
import type { Database } from '../open-database.js';
import { EventReader } from '../room/event-reader.js';
import type { StoredEvent } from '../room/stored-event.js';
import { type StateSpan, SyncStateReader } from '../sync/sync-state-reader.js';
import {
  type RoomThread,
  ThreadSubscriptionReader,
} from '../thread-subscription/thread-subscription-reader.js';
import { ThreadRoots } from './thread-roots.js';
import type { PlacedEvent } from './unread-standing-reader.js';

const CREATE = 'm.room.create';
const POWER_LEVELS = 'm.room.power_levels';

/** Bounds the length of a turn of the event loop. */
const SUBSCRIBERS_AT_ONCE = 5_000;

type PositionedEvent = StoredEvent & { readonly position: number };

/** Reads events with all that deciding about notifications needs, many at once. */
export class CountableEvents {
  private readonly events: EventReader;
  private readonly states: SyncStateReader;
  private readonly threads: ThreadRoots;
  private readonly subscriptions: ThreadSubscriptionReader;

  constructor(database: Database) {
    this.events = new EventReader(database);
    this.states = new SyncStateReader(database);
    this.threads = new ThreadRoots(database);
    this.subscriptions = new ThreadSubscriptionReader(database);
  }

  /**
   * The events in the order given: redacted where they are by now, their senders' power as it was before them.
   * @param users whose rules they are tried on: power and subscriptions are read where these ask for it
   */
  async load(placed: readonly PlacedEvent[], users: Iterable<NotifiedUser>): Promise<CountableEvent[]> {
    if (placed.length === 0) return [];
    const stored = await this.events.byNids(placed.map(({ eventNid }) => eventNid));
    const events = placed.flatMap(({ eventNid, position }): PositionedEvent[] => {
      const event = stored.get(eventNid);
      return event === undefined ? [] : [{ ...event, position }];
    });
    const asking = [...users];
    const usesLevels = asking.some((user) => user.usesLevels);
    const [threads, levels, memberships] = await Promise.all([
      this.threads.of(events),
      this.levelsBefore(usesLevels ? events : events.filter(({ pdu }) => mentionsRoom(pdu.content))),
      this.ownMemberships(events),
    ]);
    const subscribers = await this.subscribersOf(threads.values(), asking);
    return events.map((event) => {
      const { roomNid, position, eventId, roomId, eventNid } = event;
      const { type, sender, content, state_key } = servedPdu(event);
      const thread = threads.get(eventNid);
      return {
        position,
        roomNid,
        thread: thread?.rootNid ?? MAIN_TIMELINE,
        subscribers: thread && subscribers(thread),
        flat: flatten({
          type,
          sender,
          content,
          room_id: roomId,
          event_id: eventId,
          ...(state_key !== undefined && { state_key }),
        }),
        ...levels(event),
        membership: memberships.get(eventNid),
      };
    });
  }

  /**
   * Those of the users who are subscribed to threads, as far as their rules ask for it. As they are now: like another rule, another
   * subscription makes nothing of what was counted before it.
   */
  private async subscribersOf(threads: Iterable<RoomThread>, users: readonly NotifiedUser[]) {
    const asking = users.flatMap(({ userId, usesSubscriptions }) => (usesSubscriptions ? [userId] : []));
    if (asking.length === 0) return () => undefined;
    const distinct = [...new Map(Array.from(threads, (thread) => [threadKey(thread), thread])).values()];
    const subscribers = new Map(distinct.map((thread) => [threadKey(thread), new Set<UserId>()]));
    const threadsAtOnce = Math.max(1, Math.floor(SUBSCRIBERS_AT_ONCE / asking.length));
    for (let i = 0; i < distinct.length; i += threadsAtOnce) {
      const found = await this.subscriptions.ofThreads(distinct.slice(i, i + threadsAtOnce), asking);
      for (const subscriber of found) subscribers.get(threadKey(subscriber))?.add(subscriber.userId);
    }
    return (thread: RoomThread) => subscribers.get(threadKey(thread));
  }

  private async levelsBefore(events: readonly PositionedEvent[]) {
    const points = events.map(({ roomNid, position }) => ({ roomNid, position: position - 1 }));
    const spans = await this.states.singles(points, [CREATE, POWER_LEVELS]);
    const byRoom = Map.groupBy(spans, ({ roomNid }) => roomNid);
    const stored = await this.byNids(spans);
    return ({ roomNid, position, pdu, roomVersion }: PositionedEvent) => {
      const find = (type: string) => {
        const span = byRoom.get(roomNid)?.find((one) => one.type === type && holdsAt(one, position - 1));
        const event = stored.get(span?.eventNid ?? 0);
        return event && asRoomEvent(event);
      };
      const rules = rulesOf(roomVersion);
      const powerLevels = find(POWER_LEVELS);
      const senderLevel = rules ? new PowerLevels(find(CREATE), powerLevels, rules).userLevel(pdu.sender) : 0;
      return { senderLevel, notificationLevels: powerLevels?.pdu.content['notifications'] };
    };
  }

  private async byNids(spans: readonly StateSpan[]): Promise<Map<number, StoredEvent>> {
    const nids = new Set(spans.flatMap(({ eventNid }) => eventNid ?? []));
    return nids.size === 0 ? new Map<number, StoredEvent>() : this.events.byNids([...nids]);
  }

  /** What those of the events do that are joins of their senders. */
  private async ownMemberships(events: readonly PositionedEvent[]) {
    const joins = events.filter(
      ({ pdu }) =>
        pdu.type === 'm.room.member' && pdu.state_key === pdu.sender && pdu.content['membership'] === 'join',
    );
    const windows = joins.map(({ roomNid, position, pdu }) => {
      return { roomNid, userId: pdu.sender, start: position - 1, end: position - 1 };
    });
    const spans = await this.states.members(windows);
    const before = await this.byNids(spans);
    return new Map(
      joins.map(({ eventNid, roomNid, position, pdu }) => {
        const span = spans.find(
          (one) => one.roomNid === roomNid && one.stateKey === pdu.sender && holdsAt(one, position - 1),
        );
        const wasJoined = before.get(span?.eventNid ?? 0)?.pdu.content['membership'] === 'join';
        return [eventNid, wasJoined ? ('changes-profile' as const) : ('joins' as const)];
      }),
    );
  }
}

function threadKey({ roomNid, rootId }: RoomThread): string {
  return `${roomNid} ${rootId}`;
}

function holdsAt({ from, to }: StateSpan, position: number): boolean {
  return from <= position && (to === null || to > position);
}

function asRoomEvent({ eventId, roomId, pdu }: StoredEvent): RoomEvent {
  return { eventId, roomId, pdu, rejected: false };
}

function servedPdu({ pdu, roomVersion, redactedBecause }: StoredEvent) {
  const rules = rulesOf(roomVersion);
  return redactedBecause === undefined || rules === undefined ? pdu : redactEvent(pdu, rules);
}

import { setImmediate } from 'node:timers/promises';
import type { UserId } from '@atoll/matrix';
import {
  type CountableEvent,
  countOn,
  EvaluationTurns,
  lookFrom,
  type NotifiedUser,
  type PushRuleSettings,
  stepOf,
  type UnreadCount,
  type UnreadStep,
} from '@atoll/push-rules';
import type { Database } from '../open-database.js';
import { EventReader } from '../room/event-reader.js';
import { RoomReader } from '../room/room-reader.js';
import { SyncStateReader } from '../sync/sync-state-reader.js';
import { CountableEvents } from './countable-events.js';
import { PushSettingsReader } from './push-settings-reader.js';
import {
  type RoomStanding,
  type RoomStretch,
  STRETCHES_AT_ONCE,
  type UnreadQuestion,
  UnreadStandingReader,
} from './unread-standing-reader.js';

/** The counts of a user in a room by thread; a thread in which nothing is unread is missing. */
export interface UnreadAnswer extends RoomStanding {
  readonly unread: ReadonlyMap<number, UnreadCount>;
}

/** Bounds what lies in memory at once. */
const EVENTS_AT_ONCE = 500;

/** What the events after a position are to a user in a room. */
class Tally<Question extends UnreadQuestion = UnreadQuestion> {
  readonly steps: UnreadStep[] = [];

  constructor(
    readonly question: Question,
    readonly from: number,
  ) {}
}

/**
 * Says what users have not read, exactly, however far the push service has come: what that counted, and what can be told of the events
 * that it has not looked at. How many queries that takes depends on how many rooms have such events alone, and on how many these are.
 */
export class UnreadCounter {
  private readonly standings: UnreadStandingReader;
  private readonly settings: PushSettingsReader;
  private readonly events: CountableEvents;
  private readonly rooms: RoomReader;
  private readonly states: SyncStateReader;
  private readonly members: EventReader;

  constructor(database: Database, rules: PushRuleSettings) {
    this.standings = new UnreadStandingReader(database);
    this.settings = new PushSettingsReader(database, rules);
    this.events = new CountableEvents(database);
    this.rooms = new RoomReader(database);
    this.states = new SyncStateReader(database);
    this.members = new EventReader(database);
  }

  /** At most one question for each user and room. */
  async answer(questions: readonly UnreadQuestion[]): Promise<UnreadAnswer[]> {
    const standings = await this.standings.standings(questions);
    const tallies = standings.map((standing) => new Tally(standing, lookFrom(standing)));
    await this.look(tallies.filter(({ question, from }) => question.newest > from));
    return tallies.map(({ question, steps }) => ({ ...question, unread: countOn(question, steps) }));
  }

  /** Those of the rooms in whose stretches an event counts for the user, or reads: whether anything was unread is not asked. */
  async changedRooms(userId: UserId, stretches: readonly RoomStretch[]): Promise<Set<number>> {
    const tallies = stretches.map(({ roomNid, from, to }) => new Tally({ userId, roomNid, upTo: to }, from));
    await this.look(tallies);
    const changed = tallies.filter(({ steps }) => steps.some(({ effect }) => effect !== 'none'));
    return new Set(changed.map(({ question }) => question.roomNid));
  }

  /** Finds out what the events are to the users: of a room those since the first position asked for, at most the newest. */
  private async look(tallies: readonly Tally[]): Promise<void> {
    if (tallies.length === 0) return;
    const open = tallies.map(({ question }) => question);
    const byRoom = Map.groupBy(tallies, ({ question }) => question.roomNid);
    const [users, counts] = await Promise.all([
      this.settings.of([...new Set(open.map(({ userId }) => userId))]),
      this.rooms.memberCounts([...byRoom.keys()]),
    ]);
    const names = await this.displayNames(open.filter(({ userId }) => users.get(userId)?.usesDisplayName));
    const turns = new EvaluationTurns();
    for await (const events of this.eventsOf(byRoom, users)) {
      for (const event of events) {
        for (const { question, from, steps } of byRoom.get(event.roomNid) ?? []) {
          const user = users.get(question.userId);
          if (user === undefined || event.position <= from || event.position > question.upTo) continue;
          const memberCount = counts.get(question.roomNid)?.joined ?? 0;
          const place = { memberCount, displayName: names.get(placeKey(question)) };
          steps.push(stepOf(event, user, place));
          if (turns.isLong()) await setImmediate();
        }
      }
    }
  }

  /** Some at a time, those of each room in order. */
  private async *eventsOf(
    byRoom: ReadonlyMap<number, readonly Tally[]>,
    users: ReadonlyMap<UserId, NotifiedUser>,
  ): AsyncGenerator<CountableEvent[]> {
    const stretches = Array.from(byRoom, ([roomNid, tallies]) => ({
      roomNid,
      from: Math.min(...tallies.map(({ from }) => from)),
      to: Math.max(...tallies.map(({ question }) => question.upTo)),
    }));
    for (let i = 0; i < stretches.length; i += STRETCHES_AT_ONCE) {
      const events = await this.standings.eventsIn(stretches.slice(i, i + STRETCHES_AT_ONCE));
      for (let k = 0; k < events.length; k += EVENTS_AT_ONCE) {
        yield await this.events.load(events.slice(k, k + EVENTS_AT_ONCE), users.values());
      }
    }
  }

  private async displayNames(open: readonly UnreadQuestion[]): Promise<Map<string, string>> {
    if (open.length === 0) return new Map();
    const windows = open.map(({ roomNid, userId, upTo }) => ({ roomNid, userId, start: upTo, end: upTo }));
    const spans = await this.states.members(windows);
    const events = await this.members.byNids(spans.flatMap(({ eventNid }) => eventNid ?? []));
    return new Map(
      [...events.values()].flatMap(({ roomNid, pdu }): [string, string][] => {
        const { displayname } = pdu.content;
        const userId = pdu.state_key as UserId;
        return typeof displayname === 'string' ? [[placeKey({ roomNid, userId }), displayname]] : [];
      }),
    );
  }
}

function placeKey({ roomNid, userId }: { readonly roomNid: number; readonly userId: UserId }): string {
  return `${roomNid} ${userId}`;
}

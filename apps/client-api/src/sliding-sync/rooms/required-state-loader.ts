import { setImmediate } from 'node:timers/promises';
import { RequiredStateReader, type StateSpan, SyncStateReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Turns } from '@atoll/service';
import { Injectable } from '@nestjs/common';
import { stateKeyOf } from '../../sync/rooms/select-state.js';
import { type CombinedStates, readRequiredStates } from '../combined-config.js';
import { isLazy, needsOf, type RequiredStates, StateMatcher } from '../required-state.js';
import type { SlidingContext } from '../sliding-context.js';
import type { TimedSlidingRoom } from './room-timelines.js';

/** What is told of a room's state. */
export interface ToldState {
  /** What is told, each key once; a span without an event says that the key was removed. */
  readonly told: readonly StateSpan[];
  /**
   * All that changed since the client was told of the room, whether it is told or not; nothing in a room that comes whole. Names and
   * avatars change also where they are redacted.
   */
  readonly changed: readonly StateSpan[];
}

const MEMBER = 'm.room.member';
const NAME = 'm.room.name';
const AVATAR = 'm.room.avatar';
/** Keys of states looked at between two turns of the event loop: some milliseconds. */
const KEYS_A_TURN = 2_000;

/** Finds the state that is asked for and that the client does not have. */
@Injectable()
export class RequiredStateLoader {
  constructor(
    private readonly states: SyncStateReader,
    private readonly required: RequiredStateReader,
  ) {}

  /** By room nid. */
  async load(context: SlidingContext, rooms: readonly TimedSlidingRoom[]): Promise<Map<number, ToldState>> {
    const windows = rooms.flatMap(({ plan: { roomNid, knownState, stateEnd } }) =>
      knownState === undefined ? [] : [{ roomNid, since: knownState, start: stateEnd, end: stateEnd }],
    );
    const [changes, redacted, parts, lazy] = await Promise.all([
      this.states.changes(windows).then(byRoom),
      this.states.redactions(windows, [NAME, AVATAR]).then(byRoom),
      this.parts(rooms),
      this.lazyMembers(context, rooms),
    ]);
    const matchers = new Matchers();
    const turns = new Turns(KEYS_A_TURN);
    const told = new Map<number, ToldState>();
    for (const timed of rooms) {
      const { roomNid } = timed.plan;
      const { requiredStates } = timed.room.match.config;
      const question = { timed, isLazy: isLazy(requiredStates), ...matchers.of(timed) };
      const changed = changes.get(roomNid) ?? [];
      const byKey = new Map<string, StateSpan>();
      const add = async (spans: readonly StateSpan[] = [], isTold: (span: StateSpan) => boolean) => {
        for (const span of spans) {
          if (isTold(span)) byKey.set(stateKeyOf(span.type, span.stateKey), span);
          if (turns.isLong()) await setImmediate();
        }
      };
      await add(parts.get(roomNid), (span) => isNewlyRequired(question, span));
      await add(changed, (span) => isToldChange(question, span));
      await add(lazy.get(roomNid), () => true);
      told.set(roomNid, {
        told: [...byKey.values()],
        changed: [...changed, ...(redacted.get(roomNid) ?? [])],
      });
    }
    return told;
  }

  /** What holds in rooms that come whole, or in which more is asked for than before; more than is asked for may be among it. */
  private async parts(rooms: readonly TimedSlidingRoom[]): Promise<Map<number, StateSpan[]>> {
    const wanted = rooms.filter(({ plan, room }) => plan.knownState === undefined || room.hadStates);
    const byStates = Map.groupBy(wanted, ({ room }) => room.match.config.states.key);
    const found: StateSpan[][] = [];
    for (const ofStates of byStates.values()) {
      const states = ofStates[0]?.room.match.config.requiredStates ?? [];
      found.push(await this.partsOf(ofStates, states));
    }
    return byRoom(found.flat());
  }

  private async partsOf(rooms: readonly TimedSlidingRoom[], states: RequiredStates): Promise<StateSpan[]> {
    const { everything, types, keys } = needsOf(states);
    const points = rooms.map(({ plan }) => ({ roomNid: plan.roomNid, position: plan.stateEnd }));
    const windows = points.map(({ roomNid, position }) => ({ roomNid, start: position, end: position }));
    const [all, ofTypes, ofKeys] = await Promise.all([
      everything
        ? this.states.complete(windows.map((window) => ({ ...window, members: everything.members })))
        : [],
      this.required.ofTypes(points, everything ? types.filter((type) => type === MEMBER) : types),
      this.required.ofKeys(points, keys),
    ]);
    const ends = new Map(points.map(({ roomNid, position }) => [roomNid, position]));
    return [...all, ...ofTypes, ...ofKeys].filter(({ roomNid, to }) => {
      return to === null || to > (ends.get(roomNid) ?? 0);
    });
  }

  /**
   * The members that lazy loading wants: who sent what is in the timeline, and whom it is about; not those that the client got
   * before.
   */
  private async lazyMembers(
    { members }: SlidingContext,
    rooms: readonly TimedSlidingRoom[],
  ): Promise<Map<number, StateSpan[]>> {
    const lazy = rooms.filter(({ room }) => isLazy(room.match.config.requiredStates));
    const wanted = lazy.flatMap(({ plan: { roomNid, stateEnd }, timeline }) => {
      const users = timeline.events.flatMap(({ pdu }) =>
        pdu.type === MEMBER && pdu.state_key !== undefined
          ? [pdu.sender, pdu.state_key as UserId]
          : [pdu.sender],
      );
      return Array.from(new Set(users), (userId) => ({ roomNid, start: stateEnd, end: stateEnd, userId }));
    });
    const whole = new Set(lazy.flatMap(({ plan }) => (plan.isNew ? [plan.roomNid] : [])));
    const spans = await this.states.members(wanted);
    return byRoom(
      spans.filter(
        ({ roomNid, eventNid }) => eventNid !== null && (whole.has(roomNid) || !members.known.has(eventNid)),
      ),
    );
  }
}

/** What is asked for in a room, and what was until now. */
interface StateQuestion {
  readonly timed: TimedSlidingRoom;
  readonly isLazy: boolean;
  readonly wanted: StateMatcher;
  /** Undefined when that is the same. */
  readonly had: StateMatcher | undefined;
}

/** In a room that comes whole all that is required and there, else what was not required before; it may have been removed meanwhile. */
function isNewlyRequired(
  { timed: { plan }, wanted, had }: StateQuestion,
  { type, stateKey, eventNid }: StateSpan,
): boolean {
  if (!wanted.requires(type, stateKey)) return false;
  if (plan.knownState === undefined) return eventNid !== null;
  return !(had?.requires(type, stateKey) ?? false);
}

/** Lazily, changes of members are told while the timeline has no gap: a client that keeps them needs not ask for them again. */
function isToldChange(question: StateQuestion, { type, stateKey }: StateSpan): boolean {
  if (question.wanted.requires(type, stateKey)) return true;
  return type === MEMBER && !question.timed.timeline.isLimited && question.isLazy;
}

/** Makes one matcher for all rooms of which the same is asked. */
class Matchers {
  private readonly known = new Map<string, StateMatcher>();

  of({ room: { match, hadStates } }: TimedSlidingRoom): Pick<StateQuestion, 'wanted' | 'had'> {
    const { states, requiredStates } = match.config;
    return {
      wanted: this.matcherOf(states, () => requiredStates),
      had: hadStates && this.matcherOf(hadStates, () => readRequiredStates(hadStates)),
    };
  }

  private matcherOf({ key }: CombinedStates, read: () => RequiredStates): StateMatcher {
    const known = this.known.get(key);
    if (known) return known;
    const matcher = new StateMatcher(read());
    this.known.set(key, matcher);
    return matcher;
  }
}

function byRoom(spans: readonly StateSpan[]): Map<number, StateSpan[]> {
  return Map.groupBy(spans, ({ roomNid }) => roomNid);
}

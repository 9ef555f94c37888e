import {
  EVENT_STATUS,
  type Interner,
  type OutlierRow,
  type OutlierTransactor,
  type RoomTransactor,
} from '@atoll/database';
import { authEventIds, type EventId, type RoomId } from '@atoll/matrix';
import { authorizeByAuthEvents, type RoomVersionRules, type StateKey, stateKey } from '@atoll/room-rules';
import type { ReceivedEvent, ReceivedPduCheck } from '@atoll/server-keys';
import type { EventCache } from '../room-actor/event-cache.js';
import { storable } from '../room-actor/to-room-commit.js';
import { citedFirst } from './cited-first.js';
import { slicesOf } from './slices-of.js';

/** The room that outliers belong to, and the epoch under which this instance owns it. */
export interface OutlierRoom {
  readonly roomId: RoomId;
  readonly roomNid: number;
  readonly rules: RoomVersionRules;
  readonly partition: number;
  readonly epoch: number;
}

/** An outlier by the one check that needs no place in the room. */
export interface TakenOutlier extends ReceivedEvent {
  /** Why its auth events do not allow it; absent when they do. */
  readonly problem?: string;
}

/** Events whose keys are looked up together. */
const CHECKED_TOGETHER = 100;
/** Events that are authorised in one turn of the event loop. */
const AUTHORISED_TOGETHER = 100;
const STORED_TOGETHER = 500;

/** Takes events that another server shows as state or authority: checks each, and stores it without a place in the room. */
export class OutlierIntake {
  constructor(
    private readonly checks: ReceivedPduCheck,
    private readonly events: EventCache,
    private readonly interner: Interner,
    private readonly transactor: RoomTransactor,
    private readonly outliers: OutlierTransactor,
  ) {}

  /**
   * Format, signatures, hash, then authorisation by the auth events; those that it rejects are stored as rejected. Left out are events
   * that fail the first three, belong to another room, or rest on an event that neither is among them nor known.
   * @returns by event id, those that are known already among them
   * @throws NotOwnerError
   * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu (1–4)
   */
  async take(room: OutlierRoom, texts: readonly string[]): Promise<Map<EventId, TakenOutlier>> {
    return this.store(room, await this.check(room, texts));
  }

  /**
   * Takes a whole state with its auth chain, and gives back what of the state stands: events that are no state or were not taken are left
   * out, and so is, of two events under one key, the second.
   * @throws NotOwnerError
   */
  async takeState(
    room: OutlierRoom,
    { state, authChain }: { state: readonly string[]; authChain: readonly string[] },
  ): Promise<ReadonlyMap<StateKey, TakenOutlier>> {
    const ofState = await this.check(room, state);
    // Servers may send what is state as authority too: most of both lists, in a large room.
    const shown = new Set(state);
    const beyond = await this.check(
      room,
      authChain.filter((text) => !shown.has(text)),
    );
    const taken = await this.store(room, [...beyond, ...ofState]);
    const standing = new Map<StateKey, TakenOutlier>();
    for await (const slice of slicesOf(ofState)) {
      for (const { event } of slice) {
        const one = taken.get(event.eventId);
        if (!one || one.problem !== undefined || event.pdu.state_key === undefined) continue;
        const key = stateKey(event.pdu.type, event.pdu.state_key);
        if (!standing.has(key)) standing.set(key, one);
      }
    }
    return standing;
  }

  private async check({ roomId, rules }: OutlierRoom, texts: readonly string[]): Promise<ReceivedEvent[]> {
    const received: ReceivedEvent[] = [];
    for await (const slice of slicesOf(texts, CHECKED_TOGETHER)) {
      for (const one of await this.checks.checkAll(slice, rules)) {
        if ('event' in one && one.event.roomId === roomId) received.push(one);
      }
    }
    return received;
  }

  private async store(
    room: OutlierRoom,
    received: readonly ReceivedEvent[],
  ): Promise<Map<EventId, TakenOutlier>> {
    const byId = new Map<EventId, ReceivedEvent>();
    for await (const slice of slicesOf(received)) for (const one of slice) byId.set(one.event.eventId, one);
    const taken = await this.authorize(room, byId);
    for await (const slice of slicesOf([...taken.values()], STORED_TOGETHER)) {
      const known = await this.events.known(slice.map(({ event }) => event.eventId));
      const unknown = slice.filter(({ event }) => !known.has(event.eventId));
      await this.outliers.insert(room.roomNid, await this.rows(unknown), room);
    }
    return taken;
  }

  private async authorize(
    { roomId, rules }: OutlierRoom,
    received: ReadonlyMap<EventId, ReceivedEvent>,
  ): Promise<Map<EventId, TakenOutlier>> {
    const createId = rules.roomIdIsCreateEventId ? [`$${roomId.slice(1)}` as EventId] : [];
    const ordered = await citedFirst(received, authEventIds, createId);
    const elsewhere = new Set(createId);
    for await (const slice of slicesOf(ordered)) {
      const cited = slice.flatMap(({ event }) => authEventIds(event.pdu));
      for (const id of cited) if (!received.has(id)) elsewhere.add(id);
    }
    const known = await this.events.load([...elsewhere]);
    const taken = new Map<EventId, TakenOutlier>();
    const find = (id: EventId) => {
      const one = taken.get(id);
      return one ? { ...one.event, rejected: one.problem !== undefined } : known.get(id);
    };
    for await (const slice of slicesOf(ordered, AUTHORISED_TOGETHER)) {
      for (const one of slice) {
        const ids = authEventIds(one.event.pdu);
        const authEvents = ids.flatMap((id) => find(id) ?? []);
        if (authEvents.length < ids.length) continue;
        const create = createId.map(find)[0];
        const rejection = authorizeByAuthEvents(one.event, { authEvents, create }, rules);
        const problem = rejection && `${rejection.rule} ${rejection.reason}`;
        taken.set(one.event.eventId, { ...one, ...(problem !== undefined && { problem }) });
      }
    }
    return taken;
  }

  private async rows(taken: readonly TakenOutlier[]): Promise<OutlierRow[]> {
    const pdus = taken.map(({ event }) => event.pdu);
    const types = await this.interner.typeNids(pdus.map(({ type }) => type));
    const keys = await this.interner.stateKeyNids(pdus.flatMap((pdu) => [pdu.sender, pdu.state_key ?? '']));
    const rows: OutlierRow[] = [];
    for (const { event, exact, problem } of taken) {
      const { pdu } = event;
      rows.push({
        eventNid: await this.transactor.reserveEventNid(),
        eventId: event.eventId,
        typeNid: types.get(pdu.type) ?? 0,
        stateKeyNid: pdu.state_key === undefined ? null : (keys.get(pdu.state_key) ?? 0),
        senderNid: keys.get(pdu.sender) ?? 0,
        depth: storable(pdu.depth),
        originServerTs: storable(pdu.origin_server_ts),
        status: problem === undefined ? EVENT_STATUS.outlier : EVENT_STATUS.rejectedOutlier,
        problem: problem ?? null,
        json: JSON.stringify(exact),
      });
    }
    return rows;
  }
}

import { type StateEventRef, type StateFilter, StateReader } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type Viewer } from '../events/client-events.js';
import { RoomStateEvents } from '../rooms/access/room-state.js';
import type { SearchResult } from './search-page.js';
import type { SearchableRoom } from './searchable-rooms.js';

/** State events of one answer: past that, only those members come who sent a result, and what is left over stays away. */
const MAX_STATE = 5_000;

/** The state of the rooms that have results. */
@Injectable()
export class ResultStates {
  constructor(
    private readonly states: StateReader,
    private readonly stateEvents: RoomStateEvents,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** By room id: that of now, or as of the leave for who left. */
  async of(
    viewer: Viewer,
    results: readonly SearchResult[],
    rooms: readonly SearchableRoom[],
    isLazy: boolean,
  ): Promise<JsonObject> {
    const answer: Record<string, JsonObject[]> = {};
    let left = MAX_STATE;
    const byRoom = Map.groupBy(results, ({ match }) => match.roomNid);
    for (const { room, until } of rooms) {
      const ofRoom = byRoom.get(room.roomNid);
      if (ofRoom === undefined || left === 0) continue;
      const whole = isLazy ? undefined : await this.whole(room.roomNid, until, left);
      const senders = [...new Set(ofRoom.map(({ served }) => served.event.pdu.sender))];
      const refs = whole ?? (await this.ofSenders(room.roomNid, until, { senders, limit: left }));
      const events = await this.stateEvents.load(refs);
      left -= events.length;
      answer[room.roomId] = this.clientEvents.serveState(viewer, events);
    }
    return answer;
  }

  /** Nothing when there is more than the limit. */
  private async whole(roomNid: number, until: number, limit: number): Promise<StateEventRef[] | undefined> {
    const refs = await this.refs(roomNid, until, { limit: limit + 1 });
    return refs.length > limit ? undefined : refs;
  }

  /** Of the members only the senders, who come first. */
  private async ofSenders(
    roomNid: number,
    until: number,
    { senders, limit }: { readonly senders: readonly string[]; readonly limit: number },
  ): Promise<StateEventRef[]> {
    const members = await this.refs(roomNid, until, { types: ['m.room.member'], stateKeys: senders, limit });
    const others = await this.refs(roomNid, until, { withoutMembers: true, limit: limit - members.length });
    return [...members, ...others];
  }

  private refs(roomNid: number, until: number, filter: StateFilter): Promise<StateEventRef[]> {
    return until === Number.MAX_SAFE_INTEGER
      ? this.states.currentState(roomNid, filter)
      : this.states.stateAt(roomNid, Math.max(until, 0), filter);
  }
}

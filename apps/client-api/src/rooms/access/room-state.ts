import {
  EventReader,
  StateReader,
  type StateEventRef,
  type StateFilter,
  type StoredEvent,
} from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { ReadableRoom } from './room-access.js';

/** The events of a room's state, as far as its reader may look. */
@Injectable()
export class RoomStateEvents {
  constructor(
    private readonly states: StateReader,
    private readonly events: EventReader,
  ) {}

  /** The state now, or as of the leave for who left. */
  async of({ room, until }: ReadableRoom, filter?: StateFilter): Promise<StoredEvent[]> {
    return until === undefined
      ? this.load(await this.states.currentState(room.roomNid, filter))
      : this.at(room.roomNid, until, filter);
  }

  /**
   * The state at a position. Backfilled events have positions below 0, where no state is kept: for them it is the oldest that is,
   * which the first join brought.
   */
  async at(roomNid: number, position: number, filter?: StateFilter): Promise<StoredEvent[]> {
    return this.load(await this.states.stateAt(roomNid, Math.max(position, 0), filter));
  }

  async one(readable: ReadableRoom, type: string, stateKey: string): Promise<StoredEvent | undefined> {
    return (await this.of(readable, { types: [type], stateKeys: [stateKey] }))[0];
  }

  async load(entries: readonly StateEventRef[]): Promise<StoredEvent[]> {
    const found = await this.events.byNids(entries.map(({ eventNid }) => eventNid));
    return entries.flatMap(({ eventNid }) => found.get(eventNid) ?? []);
  }
}

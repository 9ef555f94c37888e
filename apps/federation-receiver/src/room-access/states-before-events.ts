import { AuthChainReader, EventStateReader, type HeldKey } from '@atoll/database';
import { type EventId, notFound, type RoomId, type ServerName } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { CHECKED, RoomEntitlement } from './room-entitlement.js';

export interface StateBeforeEvent {
  readonly state: readonly HeldKey[];
  /** Nids of all events by which those of the state are authorised, directly or not. */
  readonly authChain: readonly number[];
}

/** The state of a room before one of its events, for another server. State is never censored: others are authorised by it. */
@Injectable()
export class StatesBeforeEvents {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly states: EventStateReader,
    private readonly chains: AuthChainReader,
  ) {}

  /**
   * @throws {MatrixError} 403 `M_FORBIDDEN`; 404 `M_NOT_FOUND` for an event that the room does not have, or before which this
   *   server does not know the state
   */
  async find(origin: ServerName, roomId: RoomId, eventId: EventId): Promise<StateBeforeEvent> {
    const { eventNid } = await this.entitlement.eventOf(origin, roomId, eventId, CHECKED);
    const state = await this.states.before(eventNid);
    if (state === undefined) throw notFound('The state before the event is not known');
    return { state, authChain: await this.chains.full(state.map((held) => held.eventNid)) };
  }
}

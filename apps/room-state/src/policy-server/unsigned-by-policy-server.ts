import type { RoomEvent } from '@atoll/matrix';
import type { PolicyServer } from '@atoll/room-rules';
import type { PendingEvent } from '../room-actor/pending-event.js';

/** Thrown out of a room's turn by a local event that the room's policy server must recommend before it is taken. */
export class UnsignedByPolicyServer extends Error {
  override readonly name = 'UnsignedByPolicyServer';

  constructor(
    readonly server: PolicyServer,
    /** Authorised, and signed by this server. */
    readonly event: RoomEvent,
    readonly transaction?: PendingEvent['transaction'],
  ) {
    super(`${server.name} must sign the event first`);
  }
}

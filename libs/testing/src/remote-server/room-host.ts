import type { JsonObject, Pdu, RoomId, UserId } from '@atoll/matrix';
import type { RemoteRoom } from './remote-room.js';
import type { Signer } from './send-request.js';

/** An invite as it came from another server, and as this one has signed it. */
export interface ReceivedInvite {
  readonly roomId: RoomId;
  readonly roomVersion: string;
  readonly event: Pdu;
  readonly strippedState: readonly JsonObject[];
}

/** What the honest answers of a scripted server are made from. */
export interface RoomHost extends Signer {
  readonly rooms: Map<string, RemoteRoom>;
  /** Aliases of this server. */
  readonly aliases: Map<string, RoomId>;
  /** Rooms in its directory. */
  readonly published: Set<RoomId>;
  readonly profiles: Map<UserId, JsonObject>;
  readonly invites: ReceivedInvite[];
}

import type { Config } from '@atoll/config';
import type { SigningKey } from '@atoll/event-crypto';
import type { FederationClient } from '@atoll/federation-client';
import {
  type Connections,
  loadSigningKey,
  openConnections,
  openFederationClient,
  openRoomClient,
  type RoomConnection,
} from '@atoll/service';

/** What this service stands on. */
export interface Platform extends Connections, RoomConnection {
  /** Signs what this server says about keys, its own and others'. */
  readonly signingKey: SigningKey;
  /** Requests to other servers. */
  readonly federation: FederationClient;
}

export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'federation-receiver');
  const signingKey = await loadSigningKey(config);
  const { federation, close: closeFederation } = await openFederationClient(config, signingKey);
  const rooms = openRoomClient(connections);
  const close = async () => {
    await closeFederation();
    await rooms.close();
    await connections.database.close();
  };
  return { ...connections, ...rooms, signingKey, federation, close };
}

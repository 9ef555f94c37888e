import type { Config } from '@atoll/config';
import type { FederationClient } from '@atoll/federation-client';
import { Announcer } from '@atoll/redis-streams';
import {
  type Connections,
  loadSigningKey,
  openConnections,
  openFederationClient,
  openRoomClient,
  type RoomConnection,
} from '@atoll/service';
import { TokenSeal } from './token-seal.js';

/** What this service stands on: its configuration, PostgreSQL, Redis, and the ways to room-state and to other servers. */
export interface Platform extends Connections, RoomConnection {
  readonly announcer: Announcer;
  /** Requests to other servers. */
  readonly federation: FederationClient;
  readonly seal: TokenSeal;
}

export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'client-api');
  const signingKey = await loadSigningKey(config);
  const { federation, close: closeFederation } = await openFederationClient(config, signingKey);
  const rooms = openRoomClient(connections);
  const close = async () => {
    await closeFederation();
    await rooms.close();
    await connections.database.close();
  };
  const announcer = new Announcer(rooms.redis);
  return { ...connections, ...rooms, announcer, federation, seal: new TokenSeal(signingKey), close };
}

import type { Config } from '@atoll/config';
import { Announcer } from '@atoll/redis-streams';
import { type Connections, openConnections, openRoomClient, type RoomConnection } from '@atoll/service';

/** What this service stands on: its configuration, PostgreSQL, Redis, and the way to room-state. */
export interface Platform extends Connections, RoomConnection {
  readonly announcer: Announcer;
}

export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'client-api');
  const rooms = openRoomClient(connections);
  const close = async () => {
    await rooms.close();
    await connections.database.close();
  };
  return { ...connections, ...rooms, announcer: new Announcer(rooms.redis), close };
}

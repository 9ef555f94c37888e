import type { RoomServersReader } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';

/** The other servers of a room: those that may be asked about it. */
export class RoomServers {
  constructor(
    private readonly reader: RoomServersReader,
    private readonly ownName: ServerName,
  ) {}

  /** Those with the most joined users first. */
  async serversIn(roomNid: number, limit: number): Promise<ServerName[]> {
    const servers = await this.reader.serversIn(roomNid, limit + 1);
    return servers.filter((server) => server !== this.ownName).slice(0, limit);
  }
}

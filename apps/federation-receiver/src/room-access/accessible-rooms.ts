import { isOpen, RoomServersReader, roomsThatLetIn, type SummarizedRoom } from '@atoll/database';
import type { RoomId, ServerName } from '@atoll/matrix';
import { isServerAllowed } from '@atoll/room-rules';
import { Injectable } from '@nestjs/common';

/** Which rooms the users of another server could join or read. */
@Injectable()
export class AccessibleRooms {
  constructor(private readonly servers: RoomServersReader) {}

  async among(origin: ServerName, rooms: readonly SummarizedRoom[]): Promise<Set<RoomId>> {
    const closed = rooms.filter(({ summary }) => !isOpen(summary) && !summary.world_readable);
    const theirs = await this.servers.roomsOf(origin, closed.flatMap(waysIn));
    const isShut = (room: SummarizedRoom) =>
      closed.includes(room) && !waysIn(room).some((roomId) => theirs.has(roomId));
    const open = rooms.filter((room) => isServerAllowed(room.serverAcl, origin) && !isShut(room));
    return new Set(open.map(({ room }) => room.roomId));
  }
}

/** The rooms of which the server must be in one. */
function waysIn({ room, summary }: SummarizedRoom): RoomId[] {
  return [room.roomId, ...roomsThatLetIn(summary)];
}

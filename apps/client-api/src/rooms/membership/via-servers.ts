import type { Config } from '@atoll/config';
import { MAX_VIA } from '@atoll/contract';
import { EventReader, RoomReader, StrippedStateReader } from '@atoll/database';
import {
  isJsonObject,
  isServerName,
  isUserId,
  type RoomId,
  type ServerName,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';

/** Finds the servers by which a user may enter or leave a room that this server is not in. */
@Injectable()
export class ViaServers {
  constructor(
    private readonly rooms: RoomReader,
    private readonly events: EventReader,
    private readonly stripped: StrippedStateReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * In the order in which they are to be asked: those given, the one that the room id names (room versions 1 to 11), the one that sent
   * the invite, those of whom the invite or knock has told. This server is not among them.
   */
  async of(userId: UserId, roomId: RoomId, given: readonly ServerName[] = []): Promise<ServerName[]> {
    const known = [...given, ...serverIn(roomId), ...(await this.serversOfInvite(userId, roomId))];
    const others = [...new Set(known)].filter((server) => server !== this.config.serverName);
    return others.slice(0, MAX_VIA);
  }

  private async serversOfInvite(userId: UserId, roomId: RoomId): Promise<ServerName[]> {
    const room = await this.rooms.byId(roomId);
    const record = room && (await this.rooms.membershipOf(userId, room.roomNid));
    if (record?.membership !== 'invite' && record?.membership !== 'knock') return [];
    const [events, stripped] = await Promise.all([
      this.events.byNids([record.eventNid]),
      this.stripped.byNids([record.eventNid]),
    ]);
    const told = (stripped.get(record.eventNid) ?? []).map((event) =>
      isJsonObject(event) ? event['sender'] : undefined,
    );
    return [events.get(record.eventNid)?.pdu.sender, ...told].filter(isUserId).map(serverNameOf);
  }
}

function serverIn(roomId: RoomId): ServerName[] {
  const server = roomId.slice(roomId.indexOf(':') + 1);
  return roomId.includes(':') && isServerName(server) ? [server] : [];
}

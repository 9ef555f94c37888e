import type { EventTextReader, InboundRoomReader, RoomServersReader } from '@atoll/database';
import { isJsonObject, type JsonObject, type RoomId, type ServerName } from '@atoll/matrix';
import { isServerAllowed, redactEvent, rulesOf, type RoomVersionRules } from '@atoll/room-rules';

/** How a room that this server knows stands to a server that sends something for it. */
export interface RoomAdmission {
  readonly roomId: RoomId;
  readonly roomNid: number;
  readonly partition: number;
  readonly rules: RoomVersionRules;
  /** A user of this server is joined, or about to be: events of the room come before its state does. */
  readonly isResident: boolean;
  /** By the room's server ACL. */
  readonly isOriginAllowed: boolean;
}

/** Says which rooms take something from a server. */
export class RoomAdmissions {
  constructor(
    private readonly serverName: ServerName,
    private readonly rooms: InboundRoomReader,
    private readonly servers: RoomServersReader,
    private readonly texts: EventTextReader,
  ) {}

  /** By the state that the rooms have now; rooms that this server does not know are left out. */
  async of(roomIds: readonly RoomId[], origin: ServerName): Promise<Map<RoomId, RoomAdmission>> {
    if (roomIds.length === 0) return new Map();
    const [rooms, resident] = await Promise.all([
      this.rooms.rooms(roomIds),
      this.servers.roomsOf(this.serverName, roomIds),
    ]);
    const acls = await this.aclsOf(rooms.map(({ roomNid }) => roomNid));
    const admissions = rooms.flatMap(
      ({ roomNid, roomId, version, partition, isBeingJoined }): RoomAdmission[] => {
        const rules = rulesOf(version);
        if (rules === undefined) return [];
        const isOriginAllowed = isServerAllowed(acls.get(roomNid), origin);
        const isResident = isBeingJoined || resident.has(roomId);
        return [{ roomId, roomNid, partition, rules, isResident, isOriginAllowed }];
      },
    );
    return new Map(admissions.map((admission) => [admission.roomId, admission]));
  }

  private async aclsOf(roomNids: readonly number[]): Promise<Map<number, JsonObject>> {
    const events = await this.texts.currentState(roomNids, ['m.room.server_acl']);
    return new Map(
      events.map(({ roomNid, roomVersion, json, isRedacted }) => {
        const pdu = JSON.parse(json) as Parameters<typeof redactEvent>[0];
        const rules = rulesOf(roomVersion);
        const { content } = isRedacted && rules !== undefined ? redactEvent(pdu, rules) : pdu;
        return [roomNid, isJsonObject(content) ? content : {}];
      }),
    );
  }
}

import {
  EVENT_STATUS,
  type EventStatus,
  type EventText,
  EventTextReader,
  RoomReader,
  type RoomRecord,
  RoomServersReader,
} from '@atoll/database';
import { type EventId, forbidden, notFound, type RoomId, type ServerName } from '@atoll/matrix';
import { isServerAllowed } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { OWN_SERVER_NAME } from './own-server-name.js';
import { servedPdu } from './served-pdu.js';

/** Events that went through all checks; a soft-failed one is only kept from clients. */
export const CHECKED: readonly EventStatus[] = [EVENT_STATUS.accepted, EVENT_STATUS.softFailed];
/** All that are allowed by their auth events. */
export const ALLOWED: readonly EventStatus[] = [...CHECKED, EVENT_STATUS.outlier];

/** The one way by which routes get at a room on behalf of another server. */
@Injectable()
export class RoomEntitlement {
  constructor(
    private readonly rooms: RoomReader,
    private readonly servers: RoomServersReader,
    private readonly texts: EventTextReader,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  /**
   * The room, if the asking server has a joined user in it and its access control list allows the server.
   * @throws {MatrixError} 403 `M_FORBIDDEN`, also for a room that does not exist; 404 `M_NOT_FOUND` when this server has left it
   * @see https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
   */
  async room(origin: ServerName, roomId: RoomId): Promise<RoomRecord> {
    const room = await this.rooms.byId(roomId);
    if (room === undefined) throw notInRoom();
    await this.check(origin, room.roomNid);
    return room;
  }

  /**
   * A room that users of the asking server want to enter or to leave, which it need not be in.
   * @throws {MatrixError} 404 `M_NOT_FOUND` when this server is not in it; 403 `M_FORBIDDEN` by its access control list
   */
  async roomForMembership(origin: ServerName, roomId: RoomId): Promise<RoomRecord> {
    const room = await this.rooms.byId(roomId);
    if (room === undefined || !(await this.servers.isInRoom(this.ownName, room.roomNid))) {
      throw notFound('This server is not in such a room');
    }
    await this.assertAllowed(origin, room.roomNid);
    return room;
  }

  /**
   * For invites: that the room, which this server need not know, does not shut the asking server out as far as it knows.
   * @throws {MatrixError} 403 `M_FORBIDDEN`
   */
  async assertNotDenied(origin: ServerName, roomId: RoomId): Promise<void> {
    const room = await this.rooms.byId(roomId);
    if (room !== undefined) await this.assertAllowed(origin, room.roomNid);
  }

  /**
   * One event of a room with one of the statuses.
   * @throws {MatrixError} as `room`; 404 `M_NOT_FOUND`, also for an event of another room
   */
  async eventOf(
    origin: ServerName,
    roomId: RoomId,
    eventId: EventId,
    statuses: readonly EventStatus[],
  ): Promise<EventText> {
    const { roomNid } = await this.room(origin, roomId);
    const event = await this.texts.byId(eventId);
    if (event?.roomNid !== roomNid || !statuses.includes(event.status)) throw unknownEvent();
    return event;
  }

  /**
   * An event of whatever room.
   * @throws {MatrixError} as `eventOf`
   */
  async event(origin: ServerName, eventId: EventId, statuses: readonly EventStatus[]): Promise<EventText> {
    const event = await this.texts.byId(eventId);
    if (event === undefined) throw unknownEvent();
    await this.check(origin, event.roomNid);
    if (!statuses.includes(event.status)) throw unknownEvent();
    return event;
  }

  /** Whether the room's access control list lets the server take part. */
  async isAllowed(origin: ServerName, roomNid: number): Promise<boolean> {
    const [acl] = await this.texts.currentState([roomNid], ['m.room.server_acl']);
    return isServerAllowed(acl && servedPdu(acl).content, origin);
  }

  private async assertAllowed(origin: ServerName, roomNid: number): Promise<void> {
    if (!(await this.isAllowed(origin, roomNid))) throw shutOut();
  }

  private async check(origin: ServerName, roomNid: number): Promise<void> {
    const [isIn, isAllowed, areWeIn] = await Promise.all([
      this.servers.isInRoom(origin, roomNid),
      this.isAllowed(origin, roomNid),
      this.servers.isInRoom(this.ownName, roomNid),
    ]);
    if (!isIn) throw notInRoom();
    if (!isAllowed) throw shutOut();
    if (!areWeIn) throw notFound('This server is not in the room');
  }
}

const shutOut = () => forbidden('The access control list of the room shuts this server out');
const notInRoom = () => forbidden('The server is not in the room');
const unknownEvent = () => notFound('Event not found');

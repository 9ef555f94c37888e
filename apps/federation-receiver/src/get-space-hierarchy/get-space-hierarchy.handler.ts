import { EventTextReader, RoomReader, type RoomRecord, RoomServersReader } from '@atoll/database';
import { type JsonObject, notFound, type RoomId, type ServerName } from '@atoll/matrix';
import { isServerAllowed } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';
import {
  allowedRooms,
  contentsByType,
  isSpace,
  isWorldReadable,
  joinRule,
  roomSummary,
  SUMMARY_TYPES,
  type SummarizedRoom,
} from './room-summary.js';
import { spaceChildren } from './space-children.js';

/** Events that made or once made a child, of one space. */
const MAX_CHILD_EVENTS = 1000;
const MAX_CHILDREN = 100;
/** Join rules that let strangers join, or ask to. */
const OPEN_RULES = ['public', 'knock', 'knock_restricted'];

/** A space and its children, as far as the users of another server could join or read them. */
@Injectable()
export class GetSpaceHierarchyHandler {
  constructor(
    private readonly rooms: RoomReader,
    private readonly texts: EventTextReader,
    private readonly servers: RoomServersReader,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  /** @throws {MatrixError} 404 `M_NOT_FOUND` for a room that this server is not in, or that the other one may not know of */
  async handle(origin: ServerName, roomId: RoomId, suggestedOnly: boolean): Promise<JsonObject> {
    // 1. The room itself.
    const [space] = await this.summarized([roomId]);
    if (space === undefined) throw notFound('Room not found');
    const isOpen = await this.accessibleTo(origin, [space]);
    if (!isOpen.has(roomId)) throw notFound('Room not found');
    // 2. What it says about its children.
    const events = isSpace(space)
      ? await this.texts.currentOfType(space.room.roomNid, 'm.space.child', MAX_CHILD_EVENTS)
      : [];
    const children = spaceChildren(events, suggestedOnly).slice(0, MAX_CHILDREN);
    // 3. Those that this server knows, and which of them the other one could get into.
    const known = await this.summarized(children.map((child) => child.roomId));
    const accessible = await this.accessibleTo(origin, known);
    const isAccessible = ({ room }: SummarizedRoom) => accessible.has(room.roomId);
    return {
      room: { ...roomSummary(space), children_state: children.map(({ stripped }) => stripped) },
      children: known.filter(isAccessible).map(roomSummary),
      inaccessible_children: known.filter((room) => !isAccessible(room)).map(({ room }) => room.roomId),
    };
  }

  /** Those of the rooms that this server is in: what it knows of others may be long out of date. */
  private async summarized(roomIds: readonly RoomId[]): Promise<SummarizedRoom[]> {
    const ours = await this.servers.roomsOf(this.ownName, roomIds);
    const rooms = await this.rooms.byIds(roomIds.filter((roomId) => ours.has(roomId)));
    const roomNids = rooms.map(({ roomNid }) => roomNid);
    const [events, counts] = await Promise.all([
      this.texts.currentState(roomNids, SUMMARY_TYPES),
      this.rooms.memberCounts(roomNids),
    ]);
    const eventsOf = Map.groupBy(events, ({ roomNid }) => roomNid);
    return rooms.map((room: RoomRecord) => ({
      room,
      joinedMembers: counts.get(room.roomNid)?.joined ?? 0,
      contents: contentsByType(eventsOf.get(room.roomNid) ?? []),
    }));
  }

  private async accessibleTo(origin: ServerName, rooms: readonly SummarizedRoom[]): Promise<Set<RoomId>> {
    const closed = rooms.filter((room) => !OPEN_RULES.includes(joinRule(room)) && !isWorldReadable(room));
    const theirs = await this.servers.roomsOf(
      origin,
      closed.flatMap((summarized) => [summarized.room.roomId, ...allowedRooms(summarized)]),
    );
    const isShut = (summarized: SummarizedRoom) =>
      closed.includes(summarized) &&
      ![summarized.room.roomId, ...allowedRooms(summarized)].some((roomId) => theirs.has(roomId));
    const open = rooms.filter(
      (summarized) =>
        isServerAllowed(summarized.contents.get('m.room.server_acl'), origin) && !isShut(summarized),
    );
    return new Set(open.map(({ room }) => room.roomId));
  }
}

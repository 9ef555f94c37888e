import type { JsonObject, Pdu, RoomId, ServerName } from '@atoll/matrix';
import { redactEvent, rulesOf } from '@atoll/room-rules';
import { type EventText, EventTextReader } from '../federation/event-text-reader.js';
import { RoomServersReader } from '../federation/room-servers-reader.js';
import type { Database } from '../open-database.js';
import { RoomReader, type RoomRecord } from '../room/room-reader.js';
import { type RoomSummary, roomSummary, SUMMARY_TYPES } from './room-summary.js';
import { type SpaceChild, spaceChildren } from './space-children.js';

/** A room of this server, and what is told of it. */
export interface SummarizedRoom {
  readonly room: RoomRecord;
  readonly summary: RoomSummary;
  /** The content of its access control list. */
  readonly serverAcl: JsonObject | undefined;
}

/** Events that made or once made a child, of one space. */
const MAX_CHILD_EVENTS = 1000;
/** Enough for a dozen of servers; what is larger makes no child, so that a space stays within some megabytes. */
const MAX_CHILD_BYTES = 8_192;
/** Events that are read at once, so that a large space does not hold the event loop. */
const PAGE = 100;

/** What rooms and spaces say about themselves now. Who may see it is the caller's question. */
export class SpaceReader {
  private readonly rooms: RoomReader;
  private readonly texts: EventTextReader;
  private readonly servers: RoomServersReader;

  constructor(database: Database) {
    this.rooms = new RoomReader(database);
    this.texts = new EventTextReader(database);
    this.servers = new RoomServersReader(database);
  }

  /** Those of the rooms that this server is in, in the given order: what it knows of others may be long out of date. */
  async summaries(ownName: ServerName, roomIds: readonly RoomId[]): Promise<SummarizedRoom[]> {
    const ours = await this.servers.roomsOf(ownName, roomIds);
    const rooms = await this.rooms.byIds(roomIds.filter((roomId) => ours.has(roomId)));
    const roomNids = rooms.map(({ roomNid }) => roomNid);
    const [events, counts] = await Promise.all([
      this.texts.currentState(roomNids, [...SUMMARY_TYPES, 'm.room.server_acl']),
      this.rooms.memberCounts(roomNids),
    ]);
    const eventsOf = Map.groupBy(events, ({ roomNid }) => roomNid);
    return rooms.map((room) => {
      const pdus = (eventsOf.get(room.roomNid) ?? []).map(visiblePdu);
      const contents = new Map(pdus.map(({ type, content }) => [type, content]));
      const joinedMembers = counts.get(room.roomNid)?.joined ?? 0;
      const serverAcl = contents.get('m.room.server_acl');
      return { room, summary: roomSummary(room, joinedMembers, contents), serverAcl };
    });
  }

  /** The children of a space, in their order. */
  async children(roomNid: number, suggestedOnly: boolean): Promise<SpaceChild[]> {
    const limits = { limit: MAX_CHILD_EVENTS, maxBytes: MAX_CHILD_BYTES };
    const events = await this.texts.currentOfType(roomNid, 'm.space.child', limits);
    const pdus: Pdu[] = [];
    for (let start = 0; start < events.length; start += PAGE) {
      if (start > 0) await new Promise(setImmediate);
      pdus.push(...events.slice(start, start + PAGE).map(visiblePdu));
    }
    return spaceChildren(pdus, suggestedOnly);
  }
}

/** What of an event may be looked at. Rows were checked when they were written. */
function visiblePdu({ json, isRedacted, roomVersion }: EventText): Pdu {
  const pdu = JSON.parse(json) as Pdu;
  if (!isRedacted) return pdu;
  const rules = rulesOf(roomVersion);
  if (rules === undefined) throw new Error(`No rules for room version ${roomVersion}`);
  return redactEvent(pdu, rules);
}

import {
  AccountDataReader,
  EventReader,
  RequiredStateReader,
  RoomListReader,
  type StreamPositions,
  StrippedStateReader,
  VisibilityReader,
} from '@atoll/database';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Pdu,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { departureOf } from '../../sync/rooms/room-plan.js';
import type { RoomFilters } from '../sliding-request.js';
import { isLeft, type ListedRoom } from './room-list.js';

/** What filters ask about the rooms of a user; only what they do ask is filled in. */
export interface RoomTraits {
  readonly dms: ReadonlySet<string>;
  /** By room nid; null for a room without a type; absent where that is not known. */
  readonly types: ReadonlyMap<number, string | null>;
  readonly encrypted: ReadonlySet<number>;
  readonly tags: ReadonlyMap<string, ReadonlySet<string>>;
  /** By room: those of the spaces that filters name and the user has joined whose child it is. */
  readonly parents: ReadonlyMap<string, ReadonlySet<RoomId>>;
}

const CACHED_TYPES = 100_000;
const ENCRYPTION = 'm.room.encryption';

/** Reads traits of all rooms of an account at once. */
@Injectable()
export class RoomTraitsLoader {
  /** The create event of a room never changes. */
  private readonly types = new LRUCache<number, { readonly type: string | null }>({ max: CACHED_TYPES });

  constructor(
    private readonly lists: RoomListReader,
    private readonly stripped: StrippedStateReader,
    private readonly accountData: AccountDataReader,
    private readonly states: RequiredStateReader,
    private readonly events: EventReader,
    private readonly visibility: VisibilityReader,
  ) {}

  async load(
    { userId, to, dms }: { userId: UserId; to: StreamPositions; dms: ReadonlySet<string> },
    rooms: readonly ListedRoom[],
    filters: readonly RoomFilters[],
  ): Promise<RoomTraits> {
    const asks = (...names: (keyof RoomFilters)[]) =>
      filters.some((filter) => names.some((name) => filter[name] !== undefined));
    const asksTypes = asks('roomTypes', 'notRoomTypes');
    const asksEncrypted = asks('isEncrypted');
    const outside =
      asksTypes || asksEncrypted ? await this.outsideStates(rooms) : new Map<number, JsonValue[]>();
    const inside = rooms.filter(({ membership }) => !outside.has(membership.roomNid));
    const [types, encrypted, tags, parents] = await Promise.all([
      asksTypes
        ? this.roomTypes(inside.map(({ membership }) => membership.roomNid))
        : new Map<number, string | null>(),
      asksEncrypted ? this.encrypted(userId, inside) : new Set<number>(),
      asks('tags', 'notTags') ? this.roomTags(userId) : new Map<string, Set<string>>(),
      this.parentsAmong(
        filters.flatMap(({ spaces = [] }) => spaces),
        rooms,
        to,
      ),
    ]);
    for (const [roomNid, events] of outside) {
      const create = find(events, 'm.room.create');
      if (create) types.set(roomNid, typeOf(create));
      if (find(events, ENCRYPTION)) encrypted.add(roomNid);
    }
    return { dms, types, encrypted, tags, parents };
  }

  /** What other servers said of rooms that this server is not in, by room nid. */
  private async outsideStates(rooms: readonly ListedRoom[]): Promise<Map<number, JsonValue[]>> {
    const pending = rooms
      .map(({ membership }) => membership)
      .filter(({ membership }) => membership === 'invite' || membership === 'knock');
    if (pending.length === 0) return new Map();
    const said = await this.stripped.byNids(pending.map(({ eventNid }) => eventNid));
    return new Map(
      pending.flatMap(({ roomNid, eventNid }) => {
        const events = said.get(eventNid);
        return events === undefined ? [] : [[roomNid, events]];
      }),
    );
  }

  /** Those that are encrypted; of what happened in a room after the user left it, the user may not know. */
  private async encrypted(userId: UserId, rooms: readonly ListedRoom[]): Promise<Set<number>> {
    const [left, present] = [true, false].map((wanted) =>
      rooms.flatMap(({ membership }) => (isLeft(membership) === wanted ? [membership.roomNid] : [])),
    ) as [number[], number[]];
    const encrypted = await this.lists.havingState(present, ENCRYPTION);
    if (left.length === 0) return encrypted;
    const timelines = await this.visibility.timelines(userId, left);
    const departures = left.flatMap((roomNid) => {
      const departure = departureOf(timelines.get(roomNid)?.membership ?? []);
      return departure === undefined ? [] : [{ roomNid, position: departure }];
    });
    const spans = await this.states.ofKeys(departures, [{ type: ENCRYPTION, stateKey: '' }]);
    for (const { roomNid, eventNid } of spans) if (eventNid !== null) encrypted.add(roomNid);
    return encrypted;
  }

  private async roomTypes(roomNids: readonly number[]): Promise<Map<number, string | null>> {
    const unknown = roomNids.filter((roomNid) => !this.types.has(roomNid));
    const found = await this.lists.createEvents(unknown);
    const types = new Map<number, string | null>();
    for (const [roomNid, json] of found) {
      const type = typeOf((JSON.parse(json) as Pdu).content);
      this.types.set(roomNid, { type });
      types.set(roomNid, type);
    }
    for (const roomNid of roomNids) {
      const known = this.types.get(roomNid);
      if (known) types.set(roomNid, known.type);
    }
    return types;
  }

  private async roomTags(userId: UserId): Promise<Map<string, Set<string>>> {
    const entries = await this.accountData.ofType(userId, 'm.tag');
    return new Map(
      entries.map(({ roomId, content: { tags } }) => [
        roomId,
        new Set(isJsonObject(tags) ? Object.keys(tags) : []),
      ]),
    );
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#mspacechild: without `via` a room is no child */
  private async parentsAmong(
    spaces: readonly RoomId[],
    rooms: readonly ListedRoom[],
    to: StreamPositions,
  ): Promise<Map<string, Set<RoomId>>> {
    const wanted = new Set(spaces);
    const points = rooms.flatMap(({ membership: { roomId, roomNid, membership } }) =>
      membership === 'join' && wanted.has(roomId) ? [{ roomNid, position: to.events }] : [],
    );
    const spans = await this.states.ofTypes(points, ['m.space.child']);
    const events = await this.events.byNids(spans.flatMap(({ eventNid }) => eventNid ?? []));
    const parents = new Map<string, Set<RoomId>>();
    for (const { roomId, pdu, redactedBecause } of events.values()) {
      if (redactedBecause !== undefined || !Array.isArray(pdu.content['via'])) continue;
      const child = pdu.state_key ?? '';
      parents.set(child, (parents.get(child) ?? new Set()).add(roomId));
    }
    return parents;
  }
}

/** The content of the event of a type with the empty state key. */
function find(events: readonly JsonValue[], type: string): JsonObject | undefined {
  for (const event of events) {
    if (!isJsonObject(event) || event['type'] !== type || event['state_key'] !== '') continue;
    const { content } = event;
    if (isJsonObject(content)) return content;
  }
  return undefined;
}

function typeOf({ type }: JsonObject): string | null {
  return typeof type === 'string' ? type : null;
}

import { isSpace } from '@atoll/database';
import type { JsonObject, RoomId } from '@atoll/matrix';
import type { Found, Look, VisibleRoom, VisibleRooms, WantedRoom } from '../room-discovery/visible-rooms.js';
import type { WalkPoint } from './hierarchy-token.js';
import { SeenRooms } from './seen-rooms.js';

/** Rooms that are looked at together. */
const BATCH = 10;
/** Of all pages: what lies behind is not shown. */
const MAX_ROOMS = 1000;
/** Of all rooms of a page: their events may have some kilobytes each. */
const MAX_CHILDREN = 1000;

export interface WalkRange {
  readonly maxDepth: number;
  readonly limit: number;
}

/** A space on the way down, with those of its children that are still to come. */
interface Level {
  readonly roomId: RoomId;
  /** Looked at, but not shown yet. */
  readonly found: Found[];
  readonly wanted: WantedRoom[];
}

/**
 * Goes through a tree of spaces, depth first. Each room is met once, wherever it appears; so loops end.
 * @see https://spec.matrix.org/v1.19/client-server-api/#discovering-rooms-within-spaces
 */
export class SpaceWalk {
  private readonly levels: Level[] = [];
  private readonly shown: VisibleRoom[] = [];
  private seen = SeenRooms.none();
  /** How many rooms earlier pages met. */
  private seenBefore = 0;

  constructor(
    private readonly rooms: VisibleRooms,
    private readonly look: Look,
    private readonly range: WalkRange,
  ) {}

  /** Shows the root, and what is below it. */
  begin(root: VisibleRoom): void {
    this.meet({ roomId: root.summary.room_id, room: root });
  }

  /** Goes back to where an earlier page ended, as far as there still is a way to it. */
  async resume(root: VisibleRoom, { path, seen }: WalkPoint): Promise<void> {
    this.seen = seen;
    this.seenBefore = seen.size;
    this.descend(root);
    for (const roomId of path.slice(1)) {
      const wanted = this.levels.at(-1)?.wanted.find((child) => child.roomId === roomId);
      const [found] = wanted === undefined ? [] : await this.rooms.find([wanted], this.look);
      if (found?.room === undefined) return;
      this.descend(found.room);
    }
  }

  /** The next rooms, and where to go on when the page is full or other servers were asked enough for one page. */
  async page(): Promise<{ rooms: JsonObject[]; next: WalkPoint | undefined }> {
    while (!this.isFull() && this.seen.size < MAX_ROOMS) {
      const level = this.level();
      if (level === undefined) break;
      const found = level.found.shift();
      if (found !== undefined) this.meet(found);
      else if (!(await this.lookAhead(level))) break;
    }
    const hasMore = this.level() !== undefined && this.seen.size < MAX_ROOMS;
    // A page that got nowhere would be asked for again for ever.
    const goesOn = hasMore && this.seen.size > this.seenBefore;
    const next = goesOn ? { path: this.levels.map(({ roomId }) => roomId), seen: this.seen } : undefined;
    return { rooms: this.shown.map(toBody), next };
  }

  private isFull(): boolean {
    const children = this.shown.reduce((sum, room) => sum + room.children.length, 0);
    return this.shown.length >= this.range.limit || children >= MAX_CHILDREN;
  }

  /** The deepest level that has rooms which were not met yet. */
  private level(): Level | undefined {
    for (;;) {
      const level = this.levels.at(-1);
      if (level === undefined) return undefined;
      skipMet(level.found, this.seen);
      skipMet(level.wanted, this.seen);
      if (level.found.length + level.wanted.length > 0) return level;
      this.levels.pop();
    }
  }

  private async lookAhead(level: Level): Promise<boolean> {
    const batch = level.wanted.slice(0, BATCH).filter(({ roomId }) => !this.seen.has(roomId));
    const found = await this.rooms.find(batch, this.look);
    const looked = new Set(found.map(({ roomId }) => roomId));
    level.found.push(...found);
    level.wanted.splice(0, level.wanted.length, ...level.wanted.filter(({ roomId }) => !looked.has(roomId)));
    return found.length > 0;
  }

  private meet({ roomId, room }: Found): void {
    this.seen.add(roomId);
    if (room === undefined) return;
    this.shown.push(room);
    if (isSpace(room.summary) && this.levels.length < this.range.maxDepth) this.descend(room);
  }

  private descend({ summary, children, told, inaccessible }: VisibleRoom): void {
    const wanted = children.map(({ roomId, via }) => {
      return { roomId, via, told: told.get(roomId), isInaccessible: inaccessible.has(roomId) };
    });
    this.levels.push({ roomId: summary.room_id, found: [], wanted });
  }
}

function skipMet(rooms: { readonly roomId: RoomId }[], seen: SeenRooms): void {
  const index = rooms.findIndex(({ roomId }) => !seen.has(roomId));
  rooms.splice(0, index < 0 ? rooms.length : index);
}

function toBody({ summary, children }: VisibleRoom): JsonObject {
  return { ...summary, children_state: children.map(({ stripped }) => stripped) };
}

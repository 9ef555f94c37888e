import type { StreamPositions } from '@atoll/database';
import type { ConnectionMemory, Extensions, RoomMemory } from './connection-memory.js';

/** Notes what an answer tells, beside what the client knew. */
export class NextMemory {
  private readonly rooms: Map<number, RoomMemory>;
  private extensions: Extensions;
  private changes = 0;

  constructor(base: ConnectionMemory) {
    this.rooms = new Map(base.rooms);
    this.extensions = base.extensions;
  }

  get isChanged(): boolean {
    return this.changes > 0;
  }

  get memory(): ConnectionMemory {
    return { rooms: this.rooms, extensions: this.extensions };
  }

  room(roomNid: number): RoomMemory | undefined {
    return this.rooms.get(roomNid);
  }

  /** The client knows this of the room. */
  note(roomNid: number, room: RoomMemory): void {
    const before = this.rooms.get(roomNid);
    if (before && isSame(before, room)) return;
    this.rooms.set(roomNid, room);
    this.changes++;
  }

  /** Something happens in the room that the client is not told: it knows the room up to there. */
  fallBehind(roomNid: number, told: StreamPositions): void {
    const room = this.rooms.get(roomNid);
    if (room && room.told === undefined) this.note(roomNid, { ...room, told });
  }

  forget(roomNid: number): void {
    if (this.rooms.delete(roomNid)) this.changes++;
  }

  noteExtensions(extensions: Extensions): void {
    if (extensions === this.extensions) return;
    this.extensions = extensions;
    this.changes++;
  }
}

/** Positions that are not undefined are never changed, only replaced by undefined or by others. */
function isSame(a: RoomMemory, b: RoomMemory): boolean {
  return (
    a.told === b.told &&
    a.timelineLimit === b.timelineLimit &&
    a.states.key === b.states.key &&
    a.isDm === b.isDm &&
    a.extensions === b.extensions
  );
}

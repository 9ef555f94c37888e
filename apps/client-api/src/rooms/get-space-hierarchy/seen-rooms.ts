import { createHash } from 'node:crypto';
import type { RoomId } from '@atoll/matrix';

const BYTES = 4;

/**
 * The rooms that a walk has met, each as 4 bytes of its hash, so that a token can carry them. Among a thousand rooms, two are taken for
 * one once in some ten thousand walks.
 */
export class SeenRooms {
  private readonly marks: Set<number>;

  private constructor(marks: Iterable<number>) {
    this.marks = new Set(marks);
  }

  static none(): SeenRooms {
    return new SeenRooms([]);
  }

  /** Those that `toText` wrote; undefined for a text that it did not write. */
  static fromText(text: string): SeenRooms | undefined {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length % BYTES !== 0 || bytes.toString('base64url') !== text) return undefined;
    return new SeenRooms(
      Array.from({ length: bytes.length / BYTES }, (_, index) => bytes.readUInt32BE(index * BYTES)),
    );
  }

  toText(): string {
    const bytes = Buffer.alloc(this.marks.size * BYTES);
    for (const [index, mark] of [...this.marks].entries()) bytes.writeUInt32BE(mark, index * BYTES);
    return bytes.toString('base64url');
  }

  get size(): number {
    return this.marks.size;
  }

  has(roomId: RoomId): boolean {
    return this.marks.has(markOf(roomId));
  }

  add(roomId: RoomId): void {
    this.marks.add(markOf(roomId));
  }
}

function markOf(roomId: RoomId): number {
  return createHash('sha256').update(roomId).digest().readUInt32BE(0);
}

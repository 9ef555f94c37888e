import type { ClientEvent, SyncAnswer, SyncRoom } from '@atoll/testing';

/** One room as a client knows it that has seen nothing but its syncs. */
export interface MirroredRoom {
  /** Event ids by type and state key. */
  readonly state: Record<string, string>;
  /** `type: content`, of the room's account data. */
  readonly accountData: Record<string, unknown>;
  /** `user type thread: event id` */
  readonly receipts: Record<string, string>;
}

/** What a client knows from its syncs, and what it saw that must never be. */
export class SyncMirror {
  readonly joined = new Map<string, MirroredRoom>();
  readonly invited = new Set<string>();
  readonly accountData: Record<string, unknown> = {};
  /** Events that came twice into the same stretch of a timeline. */
  readonly repeated: string[] = [];
  private readonly seen = new Map<string, Set<string>>();

  apply({ rooms = {}, account_data }: SyncAnswer): void {
    for (const { type, content } of account_data?.events ?? []) this.accountData[type] = content;
    for (const [roomId, room] of Object.entries(rooms.join ?? {})) this.applyJoined(roomId, room);
    for (const roomId of Object.keys(rooms.invite ?? {})) {
      this.forget(roomId);
      this.invited.add(roomId);
    }
    for (const roomId of Object.keys(rooms.leave ?? {})) this.forget(roomId);
  }

  private applyJoined(
    roomId: string,
    { state, state_after, timeline, account_data, ephemeral }: SyncRoom,
  ): void {
    this.invited.delete(roomId);
    const room = this.joined.get(roomId) ?? { state: {}, accountData: {}, receipts: {} };
    this.joined.set(roomId, room);
    this.noteTimeline(roomId, timeline.events, timeline.limited === true);
    const states = state_after?.events ?? [...(state?.events ?? []), ...timeline.events];
    for (const event of states) {
      if (event.state_key !== undefined) room.state[`${event.type}|${event.state_key}`] = event.event_id;
    }
    for (const { type, content } of account_data?.events ?? []) room.accountData[type] = content;
    for (const event of ephemeral?.events ?? []) {
      if (event.type === 'm.receipt') Object.assign(room.receipts, receiptsOf(event));
    }
  }

  private noteTimeline(roomId: string, events: readonly ClientEvent[], isLimited: boolean): void {
    const seen = isLimited ? new Set<string>() : (this.seen.get(roomId) ?? new Set<string>());
    for (const { event_id } of events) {
      if (seen.has(event_id)) this.repeated.push(`${event_id} in ${roomId}`);
      seen.add(event_id);
    }
    this.seen.set(roomId, seen);
  }

  private forget(roomId: string): void {
    this.joined.delete(roomId);
    this.invited.delete(roomId);
    this.seen.delete(roomId);
  }
}

function receiptsOf({ content }: ClientEvent): Record<string, string> {
  const receipts: Record<string, string> = {};
  for (const [eventId, types] of Object.entries(content as Record<string, Record<string, object>>)) {
    for (const [type, users] of Object.entries(types)) {
      for (const [userId, { thread_id = '' }] of Object.entries(
        users as Record<string, { thread_id?: string }>,
      )) {
        receipts[`${userId} ${type} ${thread_id}`] = eventId;
      }
    }
  }
  return receipts;
}

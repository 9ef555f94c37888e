import { EventReader, type StoredEvent } from '@atoll/database';
import { type EventRelation, relationOf } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';

/** The thread that is none: what is in no thread. */
export const MAIN_THREAD = 'main';
/** Further than that nobody follows a relation. */
const MAX_HOPS = 3;

/** Finds out in which thread of its room an event stands. */
@Injectable()
export class EventThread {
  constructor(private readonly events: EventReader) {}

  /**
   * Whether a receipt at the event may be for the thread. The root of a thread stands in the main timeline and begins its thread.
   * @see https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
   */
  async isIn(event: StoredEvent, threadId: string): Promise<boolean> {
    return threadId === event.eventId || (await this.of(event)) === threadId;
  }

  /** The id of the root, or `main`. */
  async of(event: StoredEvent): Promise<string> {
    let at: StoredEvent | undefined = event;
    for (let hops = 0; hops <= MAX_HOPS && at !== undefined; hops++) {
      const relation: EventRelation | undefined = at.redactedBecause ? undefined : relationOf(at.pdu.content);
      if (relation === undefined) return MAIN_THREAD;
      const { relType, parentId }: EventRelation = relation;
      if (relType === 'm.thread') return parentId;
      const parent: StoredEvent | undefined = (await this.events.byIds([parentId])).get(parentId);
      at = parent?.roomNid === event.roomNid ? parent : undefined;
    }
    return MAIN_THREAD;
  }
}

import { ThreadSubscriptionReader } from '@atoll/database';
import { type EventId, MatrixError, notFound, type RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../events/client-events.js';
import { VisibleEvent } from '../events/visible-event.js';
import { EventThread } from '../receipts/event-thread.js';
import { ThreadSubscriptionWriter } from './thread-subscription-writer.js';

/** Subscribes users to threads whose root they may see, and says whether they are. */
@Injectable()
export class ThreadSubscriptionHandler {
  constructor(
    private readonly visible: VisibleEvent,
    private readonly threads: EventThread,
    private readonly subscriptions: ThreadSubscriptionReader,
    private readonly writer: ThreadSubscriptionWriter,
  ) {}

  /**
   * Whether a client subscribed for the user.
   * @throws MatrixError 404 for a thread that the user may not see or is not subscribed to
   */
  async isAutomatic(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<boolean> {
    const roomNid = await this.seenRoom(viewer, roomId, rootId);
    const found = await this.subscriptions.find(viewer.userId, roomNid, rootId);
    if (found === undefined) throw notFound('You are not subscribed to this thread');
    return found.automatic;
  }

  /**
   * @param causeId of a subscription that a client makes for its user: the newest event that is a reason for it
   * @throws MatrixError 404 for a thread that the user may not see; 400 for a cause that is not in the thread; 409 for one that was there
   * when the user unsubscribed; 403 M_RESOURCE_LIMIT_EXCEEDED
   */
  async subscribe(
    viewer: Viewer,
    roomId: RoomId,
    rootId: EventId,
    causeId: EventId | undefined,
  ): Promise<void> {
    const roomNid = await this.seenRoom(viewer, roomId, rootId);
    const key = { userId: viewer.userId, roomNid, rootId };
    if (causeId === undefined) return this.writer.subscribe(key);
    const causeAt = await this.positionInThread(viewer, roomNid, rootId, causeId);
    if (causeAt === undefined) throw notInThread();
    if (!(await this.writer.subscribeFor(key, causeAt))) throw conflicting();
  }

  /** @throws MatrixError 404 for a thread that the user may not see */
  async unsubscribe(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<void> {
    const roomNid = await this.seenRoom(viewer, roomId, rootId);
    await this.writer.unsubscribe({ userId: viewer.userId, roomNid, rootId });
  }

  private async seenRoom(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<number> {
    const root = await this.visible.find(viewer, rootId);
    if (root?.event.roomId !== roomId) throw notFound('There is no such thread, or you may not see it');
    return root.event.roomNid;
  }

  private async positionInThread(
    viewer: Viewer,
    roomNid: number,
    rootId: EventId,
    causeId: EventId,
  ): Promise<number | undefined> {
    const cause = await this.visible.find(viewer, causeId);
    if (cause?.event.roomNid !== roomNid || (await this.threads.of(cause.event)) !== rootId) return undefined;
    return cause.event.position ?? undefined;
  }
}

function notInThread(): MatrixError {
  return new MatrixError(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', 'The event is not in this thread');
}

function conflicting(): MatrixError {
  const errcode = 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION';
  return new MatrixError(409, errcode, 'You have unsubscribed since that event');
}

import { EventReader, RelationReader, RoomReader } from '@atoll/database';
import {
  type EventRelation,
  isJsonObject,
  MatrixError,
  relationOf,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { servedRelation } from '../../relations/served-relation.js';
import type { Message } from './send-message.handler.js';

/** Annotations of one user at one event that a new one is compared with, the newest. */
const MAX_ANNOTATIONS = 200;

/** Keeps users of this server from relationships that make no sense. Two at the same moment may pass. */
@Injectable()
export class RelationCheck {
  constructor(
    private readonly rooms: RoomReader,
    private readonly events: EventReader,
    private readonly relations: RelationReader,
  ) {}

  /**
   * Only for members: what is wrong depends on the room's events. To others the room says no.
   * @throws MatrixError 400
   */
  async check(sender: UserId, roomId: RoomId, message: Message): Promise<void> {
    const relation = relationOf(message.content);
    if (relation?.relType !== 'm.thread' && relation?.relType !== 'm.annotation') return;
    const room = await this.rooms.byId(roomId);
    const membership = room && (await this.rooms.membershipOf(sender, room.roomNid));
    if (room === undefined || membership?.membership !== 'join') return;
    if (relation.relType === 'm.thread') await this.checkThread(room.roomNid, relation);
    else await this.checkAnnotation(room.roomNid, sender, relation, message);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships */
  private async checkThread(roomNid: number, { parentId }: EventRelation): Promise<void> {
    const root = (await this.events.byIds([parentId])).get(parentId);
    if (root?.roomNid === roomNid && servedRelation(root) !== undefined) {
      throw new MatrixError(400, 'M_UNKNOWN', 'No thread starts from an event that relates to another');
    }
  }

  /**
   * What came with the same transaction is the same annotation, and no second one.
   * @see https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations
   */
  private async checkAnnotation(
    roomNid: number,
    sender: UserId,
    { parentId, relType }: EventRelation,
    { type, content, transaction }: Message,
  ): Promise<void> {
    const filter = { parentId, relType, eventType: type, sender, recurse: false };
    const nids = await this.relations.children(roomNid, { ...filter, dir: 'b', limit: MAX_ANNOTATIONS });
    const key = keyOf(content);
    for (const earlier of (await this.events.byNids(nids)).values()) {
      const isRepeated =
        earlier.transaction?.deviceId === transaction.deviceId && earlier.transaction.id === transaction.id;
      if (isRepeated || keyOf(earlier.pdu.content) !== key) continue;
      throw new MatrixError(400, 'M_DUPLICATE_ANNOTATION', 'You have annotated the event with this already');
    }
  }
}

function keyOf({ 'm.relates_to': relation }: Message['content']): string | undefined {
  const key = isJsonObject(relation) ? relation['key'] : undefined;
  return typeof key === 'string' ? key : undefined;
}

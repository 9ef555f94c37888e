import type { CommandInput, SendEvent } from '@atoll/contract';
import type { EventId, JsonObject, RoomId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RoomCommands } from '../commands/room-commands.js';
import { RelationCheck } from './relation.check.js';

export interface Message {
  readonly type: string;
  readonly content: JsonObject;
  readonly transaction: NonNullable<CommandInput<typeof SendEvent>['transaction']>;
}

/** Sends a message event. */
@Injectable()
export class SendMessageHandler {
  constructor(
    private readonly relations: RelationCheck,
    private readonly commands: RoomCommands,
  ) {}

  /**
   * 1. What this server checks although the room's rules would let it pass.
   * 2. The owner of the room does the rest; a transaction that was there before gets its first answer.
   */
  async handle(sender: UserId, roomId: RoomId, message: Message): Promise<EventId> {
    await this.relations.check(sender, roomId, message);
    return this.commands.sendEvent({ roomId, sender, ...message });
  }
}

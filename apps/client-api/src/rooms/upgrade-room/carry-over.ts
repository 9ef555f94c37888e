import { EventReader, StateReader, type StateEventRef, type StoredEvent } from '@atoll/database';
import { type JsonObject, resourceLimit, type RoomId, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';
import { RoomCommands } from '../commands/room-commands.js';
import type { OldRoom } from './old-rooms.js';

/** Of each kind; more would take minutes. */
const MAX_CARRIED = 20_000;
const PAGE = 200;
const AT_ONCE = 16;

/** What there may be thousands of in a room, and so goes into its replacement piece by piece. */
export interface Luggage {
  readonly bans: readonly StateEventRef[];
  /** Of a space. */
  readonly children: readonly StateEventRef[];
}

/** Brings bans, and what belongs to a space, from one room into another. What is there already is left as it is. */
@Injectable()
export class CarryOver {
  constructor(
    private readonly states: StateReader,
    private readonly events: EventReader,
    private readonly commands: RoomCommands,
  ) {}

  /** @throws MatrixError when it is too much: without its bans a room would be open to whom it threw out */
  async of({ record: { roomNid }, create }: OldRoom): Promise<Luggage> {
    const bans = await this.states.membersOf(roomNid, ['ban']);
    const isSpace = create.pdu.content['type'] === 'm.space';
    const children = isSpace ? await this.states.currentState(roomNid, { types: ['m.space.child'] }) : [];
    if (Math.max(bans.length, children.length) > MAX_CARRIED) {
      throw resourceLimit(`Rooms with more than ${MAX_CARRIED} bans or children are not upgraded`);
    }
    return { bans, children };
  }

  async into(
    room: { readonly roomNid: number; readonly roomId: RoomId },
    { bans, children }: Luggage,
    sender: UserId,
    creators: readonly string[],
  ): Promise<void> {
    const banned = await this.states.membersOf(room.roomNid, ['ban']);
    // Nobody is above a creator.
    const done = new Set([...creators, ...banned.map(({ stateKey }) => stateKey)]);
    const open = bans.filter(({ stateKey }) => !done.has(stateKey));
    await this.each(open, (target, content) => this.ban(room.roomId, sender, target, content));
    await this.each(children, (stateKey, content) =>
      this.addChild({ roomId: room.roomId, sender, type: 'm.space.child', stateKey, content }),
    );
  }

  private async ban(roomId: RoomId, sender: UserId, target: string, content: JsonObject): Promise<void> {
    const reason = content['reason'];
    await this.commands.changeMembership({
      roomId,
      sender,
      target: target as UserId,
      action: 'ban',
      content: {},
      ...(typeof reason === 'string' && { reason }),
    });
  }

  /** A child without servers is one that was taken out. */
  private async addChild(child: Parameters<RoomCommands['sendEvent']>[0]): Promise<void> {
    if (Array.isArray(child.content['via'])) await this.commands.sendEvent(child);
  }

  private async each(
    refs: readonly StateEventRef[],
    carry: (stateKey: string, content: JsonObject) => Promise<void>,
  ): Promise<void> {
    for (let from = 0; from < refs.length; from += PAGE) {
      const page = refs.slice(from, from + PAGE);
      const events = await this.events.byNids(page.map(({ eventNid }) => eventNid));
      await inParallel([...events.values()], (event) => carry(event.pdu.state_key ?? '', contentOf(event)));
    }
  }
}

const contentOf = (event: StoredEvent) => servedPdu(event).content;

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const workOn = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      await work(item).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workOn));
}

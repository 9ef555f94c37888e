import type { Config } from '@atoll/config';
import {
  isSpace,
  type RoomSummary,
  type SpaceChild,
  SpaceReader,
  type SummarizedRoom,
} from '@atoll/database';
import type { RoomId, ServerName, UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { RemoteHierarchies } from './remote-hierarchies.js';
import type { RemoteHierarchy } from './remote-hierarchy.schema.js';
import { RoomEntry } from './room-entry.js';

/** A room that somebody may know of, and its children if it is a space, which that user need not be allowed to know of. */
export interface VisibleRoom extends Omit<RemoteHierarchy, 'room'> {
  readonly summary: RoomSummary;
}

export interface WantedRoom {
  readonly roomId: RoomId;
  /** Servers that may know the room where this one is not in it. */
  readonly via: readonly ServerName[];
  /** What was told of it beside the space that it is in. */
  readonly told?: RoomSummary | undefined;
  /** Said to be accessible from nowhere, where this server is not in it. */
  readonly isInaccessible?: boolean;
}

/** What is left of the questions to other servers that one answer is worth. */
export interface Budget {
  rooms: number;
  /** By `performance.now()`. */
  readonly deadline: number;
}

export interface Look {
  readonly viewer: UserId;
  readonly suggestedOnly: boolean;
  readonly budget: Budget;
}

export interface Found {
  readonly roomId: RoomId;
  /** Undefined when nobody tells of the room, or the viewer may not know of it. */
  readonly room: VisibleRoom | undefined;
}

const NOBODY: Omit<RemoteHierarchy, 'room'> = { children: [], told: new Map(), inaccessible: new Set() };

/** Finds rooms, here or by way of other servers, for users who may know of them. */
@Injectable()
export class VisibleRooms {
  constructor(
    private readonly spaces: SpaceReader,
    private readonly remote: RemoteHierarchies,
    private readonly entry: RoomEntry,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * 1. This server's own word counts for the rooms that it is in.
   * 2. What it was told of others beside their space is enough but for spaces; about the rest other servers are asked, all at once.
   *    Where the budget ends, so does the result: the rooms from there on have not been looked at.
   * 3. What the viewer may not know of is left out.
   * 4. The children of this server's own spaces.
   */
  async find(wanted: readonly WantedRoom[], look: Look): Promise<Found[]> {
    const ids = wanted.map(({ roomId }) => roomId);
    const own = await this.spaces.summaries(this.config.serverName, ids);
    const ours = new Map(own.map((found) => [found.room.roomId, found]));
    const looked = withinBudget(wanted, ours, look.budget);
    const rooms = await Promise.all(looked.map((room) => this.look(room, ours.get(room.roomId), look)));
    const summaries = rooms.flatMap((room) => room?.summary ?? []);
    const visible = await this.entry.of(look.viewer, summaries);
    return Promise.all(
      looked.map(async ({ roomId }, index) => {
        const room = visible.has(roomId) ? rooms[index] : undefined;
        const found = ours.get(roomId);
        if (room === undefined || found === undefined) return { roomId, room };
        return { roomId, room: { ...room, children: await this.childrenOf(found, look.suggestedOnly) } };
      }),
    );
  }

  private async look(
    wanted: WantedRoom,
    own: SummarizedRoom | undefined,
    look: Look,
  ): Promise<VisibleRoom | undefined> {
    return own === undefined ? this.told(wanted, look) : { ...NOBODY, summary: own.summary };
  }

  private async childrenOf({ room, summary }: SummarizedRoom, suggestedOnly: boolean): Promise<SpaceChild[]> {
    return isSpace(summary) ? this.spaces.children(room.roomNid, suggestedOnly) : [];
  }

  private async told(wanted: WantedRoom, { suggestedOnly, budget }: Look): Promise<VisibleRoom | undefined> {
    const { roomId, via, told } = wanted;
    if (wanted.isInaccessible === true) return undefined;
    const known = told && { ...NOBODY, summary: told };
    if (!mustAsk(wanted)) return known;
    const servers = via.filter((server) => server !== this.config.serverName);
    const answer = await this.remote.ask({ roomId, servers, suggestedOnly, deadline: budget.deadline });
    if (answer === undefined) return known;
    const { room, ...rest } = answer;
    return { ...rest, summary: room };
  }
}

function mustAsk({ told, isInaccessible }: WantedRoom): boolean {
  return isInaccessible !== true && (told === undefined || isSpace(told));
}

/** The rooms up to the first one that nothing is left for; takes from the budget what they need. */
function withinBudget(
  wanted: readonly WantedRoom[],
  ours: ReadonlyMap<RoomId, unknown>,
  budget: Budget,
): readonly WantedRoom[] {
  for (const [index, room] of wanted.entries()) {
    if (ours.has(room.roomId) || !mustAsk(room)) continue;
    if (budget.rooms === 0 || performance.now() >= budget.deadline) return wanted.slice(0, index);
    budget.rooms--;
  }
  return wanted;
}

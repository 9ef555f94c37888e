import type { JsonObject } from '@atoll/matrix';

/** What the older endpoints take from an answer of `/sync`. */
export interface SyncAnswer {
  readonly next_batch: string;
  readonly presence?: Events;
  readonly account_data?: Events;
  readonly rooms?: {
    readonly join?: Readonly<Record<string, SyncRoom>>;
    readonly leave?: Readonly<Record<string, SyncRoom>>;
    readonly invite?: Readonly<Record<string, JsonObject>>;
  };
}

export interface SyncRoom {
  readonly timeline: Events & { readonly prev_batch?: string };
  readonly state_after?: Events;
  readonly account_data: Events;
  readonly ephemeral?: Events;
}

interface Events {
  readonly events: readonly JsonObject[];
}

/** Everything that happened in rooms that the user is or was in, each event with its room. */
export function eventsOfRooms({ rooms = {} }: SyncAnswer): JsonObject[] {
  return Object.entries({ ...rooms.leave, ...rooms.join }).flatMap(([room_id, { timeline, ephemeral }]) =>
    [...timeline.events, ...(ephemeral?.events ?? [])].map((event) => ({ ...event, room_id })),
  );
}

import { isRoomId, isServerName, type JsonObject, type RoomId, type ServerName } from '@atoll/matrix';

/** What counts of an `m.space.child` event, and all that is told of it. */
export interface SpaceChildEvent {
  readonly state_key?: string | undefined;
  readonly sender: string;
  readonly content: JsonObject;
  readonly origin_server_ts: number;
}

/** A room that belongs to a space. */
export interface SpaceChild {
  readonly roomId: RoomId;
  /** The servers by which it can be reached. */
  readonly via: readonly ServerName[];
  /** The event that makes it a child, as clients and other servers are told it. */
  readonly stripped: JsonObject;
}

const ORDER = /^[\x20-\x7e]{1,50}$/;

/**
 * The children that `m.space.child` events name, in their order; without servers to join through, a room is no child.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mspacechild
 */
export function spaceChildren(events: readonly SpaceChildEvent[], suggestedOnly: boolean): SpaceChild[] {
  return events.toSorted(byPlace).flatMap((event) => {
    const { state_key: roomId, content } = event;
    const { via } = content;
    if (!isRoomId(roomId) || !isRoute(via)) return [];
    if (suggestedOnly && content['suggested'] !== true) return [];
    return [{ roomId, via: via.filter(isServerName), stripped: strippedState(event) }];
  });
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space */
function byPlace(one: SpaceChildEvent, other: SpaceChildEvent): number {
  return (
    compare(placeOf(one), placeOf(other)) ||
    one.origin_server_ts - other.origin_server_ts ||
    compare(one.state_key ?? '', other.state_key ?? '')
  );
}

/** What has no valid `order` comes behind all that has. */
function placeOf({ content: { order } }: SpaceChildEvent): string {
  return typeof order === 'string' && ORDER.test(order) ? order : '\x7f';
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function isRoute(via: unknown): via is string[] {
  return Array.isArray(via) && via.length > 0 && via.every((server) => typeof server === 'string');
}

function strippedState({ state_key, content, sender, origin_server_ts }: SpaceChildEvent): JsonObject {
  return { type: 'm.space.child', state_key, content, sender, origin_server_ts };
}

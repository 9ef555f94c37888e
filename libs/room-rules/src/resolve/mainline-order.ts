import { authEventIds, type EventId, type RoomEvent } from '@atoll/matrix';
import type { EventSource } from './event-source.js';
import { isEarlier } from './power-order.js';

/**
 * Sorts events by where their power levels leave the mainline of `powerLevels`, earliest first.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions mainline ordering
 */
export function mainlineOrder(
  events: Iterable<RoomEvent>,
  powerLevels: RoomEvent | undefined,
  source: EventSource,
): RoomEvent[] {
  const positions = mainlineOf(powerLevels, source);
  const placed = Array.from(events, (event) => ({ event, position: positionOf(event, positions, source) }));
  placed.sort((one, other) => {
    if (one.position !== other.position) return one.position > other.position ? -1 : 1;
    return isEarlier(one.event, other.event) ? -1 : 1;
  });
  return placed.map(({ event }) => event);
}

/** The position of each power levels event that a chain can meet: at first those of the mainline. */
function mainlineOf(powerLevels: RoomEvent | undefined, source: EventSource): Map<EventId, number> {
  const positions = new Map<EventId, number>();
  for (let event = powerLevels; event !== undefined && !positions.has(event.eventId);) {
    positions.set(event.eventId, positions.size);
    event = powerLevelsCitedBy(event, source);
  }
  return positions;
}

/** Walks the chain of power levels until a known one; all that were passed get its position, so no link is walked twice. */
function positionOf(event: RoomEvent, positions: Map<EventId, number>, source: EventSource): number {
  const passed = new Set<EventId>();
  let position = Infinity;
  for (let cited = powerLevelsCitedBy(event, source); cited !== undefined;) {
    const known = positions.get(cited.eventId);
    if (known !== undefined || passed.has(cited.eventId)) {
      position = known ?? Infinity;
      break;
    }
    passed.add(cited.eventId);
    cited = powerLevelsCitedBy(cited, source);
  }
  for (const id of passed) positions.set(id, position);
  return position;
}

function powerLevelsCitedBy(event: RoomEvent, source: EventSource): RoomEvent | undefined {
  for (const id of authEventIds(event.pdu)) {
    const cited = source.get(id);
    if (cited?.pdu.type === 'm.room.power_levels' && cited.pdu.state_key === '') return cited;
  }
  return undefined;
}

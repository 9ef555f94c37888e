import type { JsonValue } from '@atoll/matrix';

const VISIBILITIES = ['world_readable', 'shared', 'invited', 'joined'] as const;
export type HistoryVisibility = (typeof VISIBILITIES)[number];

/** What decides at one point of a room's history; values as their events have them, unchecked. */
export interface VisibilityPoint {
  readonly historyVisibility: JsonValue | undefined;
  /** Of the viewer. */
  readonly membership: JsonValue | undefined;
}

/** An event seen from a viewer: the state before it and after it, and what came later. */
export interface EventMoment {
  /** Differs from `after` only for history visibility events and the viewer's own member events. */
  readonly before: VisibilityPoint;
  readonly after: VisibilityPoint;
  readonly joinedLater: boolean;
}

/** The setting that a value means: what is absent or not understood is `shared`. */
export function historyVisibilityOf(value: JsonValue | undefined): HistoryVisibility {
  return VISIBILITIES.find((known) => known === value) ?? 'shared';
}

/**
 * Whether the viewer may see an event. Events that change the setting or the viewer's own membership are judged by the
 * values on either side.
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-6
 */
export function maySee({ before, after, joinedLater }: EventMoment): boolean {
  return [before.historyVisibility, after.historyVisibility].some((visibility) =>
    [before.membership, after.membership].some((membership) =>
      isAllowed(historyVisibilityOf(visibility), membership, joinedLater),
    ),
  );
}

function isAllowed(
  visibility: HistoryVisibility,
  membership: JsonValue | undefined,
  joinedLater: boolean,
): boolean {
  if (visibility === 'world_readable' || membership === 'join') return true;
  if (visibility === 'shared') return joinedLater;
  return visibility === 'invited' && membership === 'invite';
}

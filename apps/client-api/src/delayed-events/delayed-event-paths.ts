/**
 * The paths of MSC4140, and those of its drafts, which clients still use.
 * @see https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/4140-delayed-events-futures.md
 */
export const DELAYED_EVENTS_PATH = '_matrix/client/v1/delayed_events';
export const DRAFT_PREFIX = '_matrix/client/unstable/org.matrix.msc4140';
export const DRAFT_DELAYED_EVENTS_PATH = `${DRAFT_PREFIX}/delayed_events`;

import type { StateSpan } from '@atoll/database';

/** The points between which a client's knowledge of the state is brought up to date. */
export interface StateBounds {
  /** Just before the first event of the timeline that is sent. */
  readonly start: number;
  readonly end: number;
}

/** One key of a state: types cannot contain NUL, so that no two keys give the same text. */
export function stateKeyOf(type: string, stateKey: string): string {
  return `${type}\u0000${stateKey}`;
}

/**
 * The events of the `state` section: what the state keys of the timeline held before it, and for all others what they hold at its
 * end. So state that a filter hides from the timeline, or that a state resolution moved without an event, still arrives.
 */
export function stateBefore(
  spans: readonly StateSpan[],
  { start, end }: StateBounds,
  timelineKeys: ReadonlySet<string>,
): number[] {
  return eventNids(spans, (span) =>
    holdsAt(span, timelineKeys.has(stateKeyOf(span.type, span.stateKey)) ? start : end),
  );
}

/** The events of the `state_after` section: what each key holds at the end. */
export function stateAfter(spans: readonly StateSpan[], end: number): number[] {
  return eventNids(spans, (span) => holdsAt(span, end));
}

function holdsAt({ from, to }: StateSpan, position: number): boolean {
  return from <= position && (to === null || to > position);
}

/** Removed keys cannot be told. */
function eventNids(spans: readonly StateSpan[], isWanted: (span: StateSpan) => boolean): number[] {
  const nids = spans.flatMap((span) => (span.eventNid !== null && isWanted(span) ? [span.eventNid] : []));
  return [...new Set(nids)];
}

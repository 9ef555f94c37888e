import type { EventId } from '@atoll/matrix';
import type { Rejection } from '../auth/rejection.js';
import type { StateKey } from '../state-map.js';

/**
 * What became of one event that state resolution has checked: it took its key, or a rule rejected it. The phase is the list
 * of the algorithm in which the event stood: of versions 2 and 2.1 `power` or `mainline`; of version 1 the type, or `others`.
 */
export interface ResolutionStep {
  readonly phase:
    'power' | 'mainline' | 'm.room.power_levels' | 'm.room.join_rules' | 'm.room.member' | 'others';
  readonly eventId: EventId;
  readonly key: StateKey;
  readonly rejection: Rejection | undefined;
}

/** Is told every step, in the order in which they are taken. */
export type Explain = (step: ResolutionStep) => void;

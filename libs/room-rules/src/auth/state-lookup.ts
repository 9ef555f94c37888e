import type { RoomEvent } from '@atoll/matrix';

/** Answers the state event of a type and a state key, in the state that an event is checked against. */
export type StateLookup = (type: string, stateKey: string) => RoomEvent | undefined;

import type { DeviceId, RoomId, UserId } from '@atoll/matrix';
import type { RequiredState } from './required-state.js';

/** What to tell of a room. */
export interface RoomConfig {
  readonly timelineLimit: number;
  readonly requiredState: RequiredState;
}

/** Which rooms a list has, and which of them are told. */
export interface ListConfig extends RoomConfig {
  /** Stretches of indexes, both ends included; undefined for all. */
  readonly ranges: readonly (readonly [number, number])[] | undefined;
  readonly filters: RoomFilters;
}

/** Every condition that is there must hold. */
export interface RoomFilters {
  readonly isDm?: boolean | undefined;
  readonly spaces?: readonly RoomId[] | undefined;
  readonly isEncrypted?: boolean | undefined;
  readonly isInvited?: boolean | undefined;
  readonly roomTypes?: readonly (string | null)[] | undefined;
  readonly notRoomTypes?: readonly (string | null)[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly notTags?: readonly string[] | undefined;
}

/** The rooms of an extension: those of some lists (`*` for all), and some of those subscribed to (`*` for all). */
export interface ExtensionScope {
  readonly lists: ReadonlySet<string>;
  readonly rooms: ReadonlySet<string>;
}

/** The messages to the device that are asked for. */
export interface ToDeviceRequest {
  /** The device has everything up to here. */
  readonly since: number;
  readonly limit: number;
}

/** The extensions that are asked for. */
export interface ExtensionRequests {
  readonly accountData?: ExtensionScope | undefined;
  readonly receipts?: ExtensionScope | undefined;
  readonly typing?: ExtensionScope | undefined;
  readonly toDevice?: ToDeviceRequest | undefined;
  readonly e2ee?: boolean | undefined;
  /** At most so many changes at once. */
  readonly threadSubscriptions?: { readonly limit: number } | undefined;
}

/** `stable` is that of MSC4186, `unstable` that of the clients which came before it was written down. */
export type Dialect = 'stable' | 'unstable';

/** One request of sliding sync: all that is read depends on this, the connection's memory and the upper bound alone. */
export interface SlidingRequest {
  readonly dialect: Dialect;
  readonly userId: UserId;
  readonly deviceId: DeviceId | undefined;
  readonly connId: string;
  readonly lists: ReadonlyMap<string, ListConfig>;
  readonly subscriptions: ReadonlyMap<RoomId, RoomConfig>;
  readonly extensions: ExtensionRequests;
}

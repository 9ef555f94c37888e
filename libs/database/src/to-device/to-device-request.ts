import type { DeviceId, ServerName, UserId } from '@atoll/matrix';
import type { InboxOwner } from './to-device-reader.js';

/** Means all devices of a user. */
export const ALL_DEVICES = '*';

/** An `m.direct_to_device` EDU for another server. */
export interface OutgoingEdu {
  readonly destination: ServerName;
  readonly partition: number;
  /** JSON of its content. */
  readonly content: string;
}

/** Messages of one sender, at most one for each device. */
export interface ToDeviceRequest {
  /** Requests with the same one are the same, and each of their messages is taken in once. */
  readonly key: string;
  readonly sender: UserId;
  /** The device whose transaction it is: the request is forgotten with it. */
  readonly device?: InboxOwner | undefined;
  readonly type: string;
  /** For users of this server: JSON of contents by user and device id; {@link ALL_DEVICES} means those that are not named. */
  readonly local: ReadonlyMap<UserId, ReadonlyMap<string, string>>;
  readonly outgoing: readonly OutgoingEdu[];
  /** What does not fit is either remembered, so that a repeated request brings it and nothing else, or left out for good. */
  readonly whenFull: 'remember' | 'leave_out';
}

/** Whom a request was for and has not reached. */
export interface LeftOut {
  readonly devices: readonly (readonly [UserId, DeviceId])[];
  readonly destinations: readonly ServerName[];
}

export type ToDeviceOutcome =
  | {
      readonly outcome: 'taken_in';
      /** Devices and destinations for which there was no room. */
      readonly leftOut: number;
      /** Those that had none and have emptied nothing for a day, which were passed over. */
      readonly abandoned: number;
    }
  /** All of it was taken in before. */
  | { readonly outcome: 'repeated' }
  /** Nobody whom it was for had room. */
  | { readonly outcome: 'full' }
  | { readonly outcome: 'too_large' };

import type { KnownPresence, Presence, PresenceChange } from '@atoll/database';

/** What is known of a device as it begins to sync. */
export interface SeenDevice {
  /** It has said the same of late. */
  readonly isSame: boolean;
  /** The user is online by this device or by another. */
  readonly isOnline: boolean;
}

/** The user says it. An absent message clears the one before. */
export function setByUser(presence: Presence, statusMsg: string | null, now: number): PresenceChange {
  return (before) => ({ ...moved(before, presence), statusMsg, lastActiveTs: now, updatedTs: now });
}

/**
 * A device syncs. Its user changes when the device says something new; one that goes on as it was changes nothing, so that who is idle, or
 * says so, stays that until there is activity. Nobody who syncs stays offline.
 */
export function setBySync(
  said: Exclude<Presence, 'offline'>,
  { isSame, isOnline }: SeenDevice,
  now: number,
): PresenceChange {
  return (before) => {
    const heard = { ...before, updatedTs: now };
    const isNews = !isSame || before.presence === 'offline';
    if (!isNews) return heard;
    if (isOnline && (said === 'online' || before.presence === 'offline')) {
      return { ...moved(heard, 'online'), lastActiveTs: now };
    }
    return isOnline ? heard : moved(heard, 'unavailable');
  };
}

/** The user did something: who was idle is so no longer. Who wants to be offline stays that. */
export function setByActivity(now: number): PresenceChange {
  return (before) => ({
    ...moved(before, before.presence === 'offline' ? 'offline' : 'online'),
    lastActiveTs: now,
    updatedTs: now,
  });
}

/** The presence alone. `updatedTs` stays: nothing was heard. */
export function moved(before: KnownPresence, presence: Presence): KnownPresence {
  return { ...before, presence, currentlyActive: presence === 'online' };
}

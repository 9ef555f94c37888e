import type { JsonValue, UserId } from '@atoll/matrix';
import { documentOf, foldText, quoteLexeme } from '../search/words.js';

const MAX_NAME = 256;
const MAX_URL = 1_000;

/** The profile of a user as it is found in events or accounts, unchecked. */
export interface FoundProfile {
  readonly displayname?: JsonValue | undefined;
  readonly avatar_url?: JsonValue | undefined;
}

/** What the directory holds of a user. */
export interface DirectoryEntry {
  readonly user_id: UserId;
  readonly display_name: string | null;
  readonly folded_name: string | null;
  readonly avatar_url: string | null;
  readonly document: string;
}

/** The user id as a whole, and the words of the localpart and of the display name. */
export function directoryEntryOf(userId: UserId, profile: FoundProfile): DirectoryEntry {
  const name = textOf(profile.displayname)?.slice(0, MAX_NAME);
  const url = textOf(profile.avatar_url);
  const localpart = userId.slice(1, userId.indexOf(':'));
  return {
    user_id: userId,
    display_name: name ?? null,
    folded_name: name === undefined ? null : foldText(name),
    avatar_url: url?.startsWith('mxc://') === true && url.length <= MAX_URL ? url : null,
    document: `${quoteLexeme(userId.toLowerCase())} ${documentOf(`${localpart} ${name ?? ''}`)}`,
  };
}

/** Text that PostgreSQL can hold. */
function textOf(value: JsonValue | undefined): string | undefined {
  const text = typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed().trim() : '';
  return text === '' ? undefined : text;
}

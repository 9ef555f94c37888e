import { type JsonValue, MatrixError, invalidParam, tooLarge } from '@atoll/matrix';

const MAX_KEY_BYTES = 255;
const MAX_FIELD_CHARACTERS = 1024;
/** Both go into every member event, which may hold 65,536 bytes. */
const MEMBER_FIELDS = ['displayname', 'avatar_url'];
const NAME = /^(avatar_url|displayname|m\.tz|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+)$/;
const MXC = /^mxc:\/\/[^/\s]+\/[A-Za-z0-9_-]+$/;

/** Whether a profile can have a field of this name. */
export const isFieldName = (name: string) => NAME.test(name);

/** Whether a change of the field is told to the user's rooms. */
export const isMemberField = (name: string) => MEMBER_FIELDS.includes(name);

/**
 * Refuses names that a profile field cannot have.
 * @throws MatrixError 400 M_KEY_TOO_LARGE, M_INVALID_PARAM
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname
 */
export function requireFieldName(name: string): void {
  if (Buffer.byteLength(name) > MAX_KEY_BYTES) {
    throw new MatrixError(400, 'M_KEY_TOO_LARGE', `A profile key has at most ${MAX_KEY_BYTES} bytes`);
  }
  if (!isFieldName(name)) throw invalidParam('Invalid profile key');
}

/**
 * Refuses values that the specification does not allow for a field; custom fields take any JSON.
 * @throws MatrixError 400 M_INVALID_PARAM, 413 M_TOO_LARGE
 */
export function requireFieldValue(name: string, value: JsonValue): void {
  if (!isMemberField(name) && name !== 'm.tz') return;
  if (typeof value !== 'string') throw invalidParam(`${name} must be a string`);
  if (value.length > MAX_FIELD_CHARACTERS)
    throw tooLarge(`${name} has at most ${MAX_FIELD_CHARACTERS} characters`);
  if (name === 'avatar_url' && value !== '' && !MXC.test(value))
    throw invalidParam('avatar_url must be an MXC URI');
}

/** Clients that do not know `DELETE` empty these two instead. */
export function meansDeletion(name: string, value: JsonValue): boolean {
  return isMemberField(name) && value === '';
}

import { randomInt } from 'node:crypto';
import { hashToken, TokenTransactor } from '@atoll/database';
import { type DeviceId, forbidden, type JsonObject, resourceLimit, type UserId } from '@atoll/matrix';
import type { DeviceChange } from './device-changes.js';
import { newSecretToken } from './secret-token.js';

/** Clients that can refresh get tokens that end; the others get tokens that do not. */
const ACCESS_TOKEN_LIFETIME_MS = 60 * 60_000;
const MAX_DEVICES = 1000;
const DEVICE_ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

export interface SessionRequest {
  readonly userId: UserId;
  readonly deviceId?: DeviceId | undefined;
  readonly initialDisplayName?: string | undefined;
  readonly canRefresh: boolean;
  readonly ip: string;
}

/**
 * Logs a device in within a transaction; the body that login and registration answer with.
 * @throws MatrixError 403 M_RESOURCE_LIMIT_EXCEEDED, M_FORBIDDEN for an id that is one of the user's cross-signing keys or dehydrated
 * @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing
 */
export async function issueSession(
  { transaction, devices }: DeviceChange,
  { userId, deviceId = newDeviceId(), initialDisplayName, canRefresh, ip }: SessionRequest,
): Promise<JsonObject> {
  const { stored, body } = newTokens(canRefresh);
  await devices.logIn({ userId, deviceId, initialDisplayName: initialDisplayName ?? null, ip });
  if (await devices.isNamedLikeKey(userId, deviceId)) throw forbidden('The device id is the name of a key');
  if (await devices.isDehydrated(userId, deviceId))
    throw forbidden('Nobody logs in with a dehydrated device');
  if ((await devices.count(userId)) > MAX_DEVICES)
    throw resourceLimit(`An account has at most ${MAX_DEVICES} devices`);
  await new TokenTransactor(transaction).issue(userId, deviceId, stored);
  return { user_id: userId, device_id: deviceId, ...body };
}

/** Makes tokens: their hashes, to be stored, and the part of an answer that tells them. */
export function newTokens(canRefresh: boolean) {
  const accessToken = newSecretToken();
  const accessHash = hashToken(accessToken);
  if (!canRefresh) {
    return {
      stored: { accessHash, expiresTs: null, refreshHash: null },
      body: { access_token: accessToken },
    };
  }
  const refreshToken = newSecretToken();
  return {
    stored: {
      accessHash,
      expiresTs: Date.now() + ACCESS_TOKEN_LIFETIME_MS,
      refreshHash: hashToken(refreshToken),
    },
    body: { access_token: accessToken, refresh_token: refreshToken, expires_in_ms: ACCESS_TOKEN_LIFETIME_MS },
  };
}

function newDeviceId(): DeviceId {
  const letters = Array.from({ length: 10 }, () => DEVICE_ID_LETTERS[randomInt(DEVICE_ID_LETTERS.length)]);
  return letters.join('') as DeviceId;
}

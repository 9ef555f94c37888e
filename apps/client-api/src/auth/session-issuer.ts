import { randomInt } from 'node:crypto';
import { DeviceTransactor, type DatabaseSchema, hashToken, TokenTransactor } from '@atoll/database';
import { type DeviceId, type JsonObject, resourceLimit, type UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
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
 * @throws MatrixError 403 M_RESOURCE_LIMIT_EXCEEDED
 */
export async function issueSession(
  transaction: Transaction<DatabaseSchema>,
  { userId, deviceId = newDeviceId(), initialDisplayName, canRefresh, ip }: SessionRequest,
): Promise<JsonObject> {
  const { stored, body } = newTokens(canRefresh);
  const devices = new DeviceTransactor(transaction);
  await devices.logIn({ userId, deviceId, initialDisplayName: initialDisplayName ?? null, ip });
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

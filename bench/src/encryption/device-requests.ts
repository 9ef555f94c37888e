import type { JsonObject, UserId } from '@atoll/matrix';
import type { LoadUser } from '../load/load-user.js';

const ALGORITHM = 'signed_curve25519';
/** As long as what clients send: public keys, signatures, and a room key for one device. */
const [KEY, SIGNATURE, CIPHERTEXT] = ['k'.repeat(43), 's'.repeat(86), 'c'.repeat(900)];

let transactions = 0;

/** What clients ask of the server for encryption; nothing is encrypted, and nobody verifies the signatures. */
export async function uploadIdentityKeys(device: LoadUser): Promise<void> {
  const { userId, deviceId } = device;
  const keys = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    keys: { [`ed25519:${deviceId}`]: KEY, [`curve25519:${deviceId}`]: KEY },
    signatures: signaturesBy(device),
  };
  await post(device, 'keys/upload', { device_keys: keys });
}

export async function uploadOneTimeKeys(device: LoadUser, keyIds: readonly string[]): Promise<void> {
  const keys = keyIds.map((keyId) => [
    `${ALGORITHM}:${keyId}`,
    { key: KEY, signatures: signaturesBy(device) },
  ]);
  await post(device, 'keys/upload', { one_time_keys: Object.fromEntries(keys) as JsonObject });
}

/** @returns of how many devices the keys were told */
export async function queryKeys(reader: LoadUser, userIds: readonly UserId[]): Promise<number> {
  const wanted: JsonObject = Object.fromEntries(userIds.map((userId) => [userId, []]));
  type Answer = { device_keys: Record<string, Record<string, JsonObject>> };
  const { device_keys: told } = await post<Answer>(reader, 'keys/query', { device_keys: wanted });
  return Object.values(told).reduce((sum, devices) => sum + Object.keys(devices).length, 0);
}

/** Claims a key of each of the devices, which are of different users. @returns the names of the keys that were given */
export async function claimKeys(claimant: LoadUser, devices: readonly LoadUser[]): Promise<string[]> {
  const wanted = devices.map(({ userId, deviceId }) => [userId, { [deviceId]: ALGORITHM }]);
  type Answer = { one_time_keys: Record<string, Record<string, JsonObject>> };
  const { one_time_keys: given } = await post<Answer>(claimant, 'keys/claim', {
    one_time_keys: Object.fromEntries(wanted) as JsonObject,
  });
  return Object.entries(given).flatMap(([userId, ofUser]) =>
    Object.entries(ofUser).flatMap(([deviceId, keys]) =>
      Object.keys(keys).map((name) => `${userId} ${deviceId} ${name}`),
    ),
  );
}

/** Sends each of the devices, which are of different users, a message of its own. */
export async function sendToDevices(sender: LoadUser, devices: readonly LoadUser[]): Promise<void> {
  const content = (n: number) => ({
    algorithm: 'm.olm.v1.curve25519-aes-sha2',
    sender_key: KEY,
    ciphertext: { [`${n}${KEY}`]: { type: 1, body: CIPHERTEXT } },
  });
  const messages = devices.map(({ userId, deviceId }, n) => [userId, { [deviceId]: content(n) }]);
  await sender.http.request(
    'PUT',
    `/_matrix/client/v3/sendToDevice/m.room.encrypted/e${(transactions += 1)}`,
    sender.token,
    { messages: Object.fromEntries(messages) as JsonObject },
  );
}

function signaturesBy({ userId, deviceId }: LoadUser): JsonObject {
  return { [userId]: { [`ed25519:${deviceId}`]: SIGNATURE } };
}

function post<Body>(user: LoadUser, path: string, body: JsonObject): Promise<Body> {
  return user.http.request('POST', `/_matrix/client/v3/${path}`, user.token, body);
}

import { isJsonObject, type JsonObject, type UserId } from '@atoll/matrix';

/** A key as it is kept: of its signatures those of its own user, and without what servers add. */
export function keptKey({ unsigned: _, ...key }: JsonObject, owner: UserId): JsonObject {
  if (key['signatures'] === undefined) return key;
  return { ...key, signatures: { [owner]: signaturesBy(key, owner) } };
}

/** The signatures of a key by one user: by key id. */
export function signaturesBy({ signatures }: JsonObject, signer: UserId): JsonObject {
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, signer) ? signatures[signer] : undefined;
  return isJsonObject(own) ? own : {};
}

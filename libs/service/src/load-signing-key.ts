import { type Config, readOrCreateSecretFile } from '@atoll/config';
import { formatSigningKey, generateSigningKey, parseSigningKey, type SigningKey } from '@atoll/event-crypto';

/** The key that signs what this server says; its file is made when missing. */
export async function loadSigningKey({ signingKeyFile }: Config): Promise<SigningKey> {
  return parseSigningKey(
    await readOrCreateSecretFile(signingKeyFile, () => formatSigningKey(generateSigningKey())),
  );
}

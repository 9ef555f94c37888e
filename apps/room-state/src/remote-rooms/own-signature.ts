import type { SigningKey } from '@atoll/event-crypto';
import type { ServerName } from '@atoll/matrix';

/** This server as one that signs. */
export class OwnSignature {
  constructor(
    readonly serverName: ServerName,
    readonly key: SigningKey,
  ) {}
}

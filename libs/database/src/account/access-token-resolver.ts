import { hash } from 'node:crypto';
import type { DeviceId, UserId } from '@atoll/matrix';
import { commitInLanes } from '../commit-in-lanes.js';
import type { Database } from '../open-database.js';
import { DeviceTransactor } from './device-transactor.js';
import { type TokenOwner, TokenReader } from './token-reader.js';
import { TokenTransactor } from './token-transactor.js';

/** Who makes a request with an access token. */
export interface TokenHolder {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly isGuest: boolean;
  readonly isAdmin: boolean;
}

/** A device's last use is recorded this exactly, so that most requests write nothing. */
const SEEN_PRECISION_MS = 5 * 60_000;

/** What is stored of a token. Tokens are random, so a plain hash cannot be guessed back. */
export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/**
 * Finds the holder of an access token, for every service that clients talk to. One indexed read for each request and no
 * cache: a token that is revoked is dead on every instance at once.
 */
export class AccessTokenResolver {
  private readonly tokens: TokenReader;

  constructor(private readonly database: Database) {
    this.tokens = new TokenReader(database);
  }

  /** The use of a token ends what it replaced, and is recorded with its device. Undefined for a token of nobody. */
  async resolve(token: string, ip: string): Promise<TokenHolder | 'expired' | undefined> {
    const tokenHash = hashToken(token);
    const owner = await this.tokens.ownerOf(tokenHash);
    if (!owner) return undefined;
    if (owner.expiresTs !== null && owner.expiresTs <= Date.now()) return 'expired';
    if (owner.isUnconfirmed) {
      await this.database.db.transaction().execute((trx) => new TokenTransactor(trx).confirm(tokenHash));
    }
    if (Date.now() - owner.lastSeenTs > SEEN_PRECISION_MS) await this.markSeen(owner, ip);
    const { userId, deviceId, isGuest, isAdmin } = owner;
    return { userId, deviceId, isGuest, isAdmin };
  }

  private async markSeen({ userId, deviceId }: TokenOwner, ip: string): Promise<void> {
    await commitInLanes(this.database.db, (trx, closing) =>
      new DeviceTransactor(trx, closing).markSeen(userId, deviceId, ip),
    );
  }
}

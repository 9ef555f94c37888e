import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Config } from '@atoll/config';
import {
  AccountTransactor,
  type Database,
  ProfileTransactor,
  RegistrationNonceTransactor,
} from '@atoll/database';
import { Public } from '@atoll/http';
import { MatrixError, forbidden, unrecognized } from '@atoll/matrix';
import { Body, Controller, Get, Inject, Ip, Post } from '@nestjs/common';
import { z } from 'zod';
import { DeviceChanges } from '../auth/device-changes.js';
import { newUserId, userInUse } from '../auth/local-username.js';
import { PasswordHasher } from '../auth/password-hasher.js';
import { passwordSchema } from '../auth/password-policy.js';
import { RateLimiter } from '../auth/rate-limiter.js';
import { newSecretToken } from '../auth/secret-token.js';
import { issueSession } from '../auth/session-issuer.js';
import { textSchema } from '../auth/text.schema.js';
import { CONFIG, DATABASE } from '../platform/tokens.js';

const NONCE_LIFETIME_MS = 60_000;

const registerSchema = z.object({
  nonce: textSchema(255),
  username: z.string().max(255),
  displayname: z.string().max(256).optional(),
  password: passwordSchema.min(1),
  admin: z.boolean().default(false),
  mac: z.string(),
});
type RegisterRequest = z.output<typeof registerSchema>;

/**
 * Registration by a secret shared with the operator, in the form that the ecosystem's deployment tools speak. Without a
 * secret in the configuration it is not there.
 * @see https://element-hq.github.io/synapse/latest/admin_api/register_api.html
 */
@Controller('/_synapse/admin/v1/register')
@Public()
export class SharedSecretRegisterController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DATABASE) private readonly database: Database,
    private readonly changes: DeviceChanges,
    private readonly hasher: PasswordHasher,
    private readonly rateLimiter: RateLimiter,
  ) {}

  @Get()
  async getNonce(@Ip() ip: string) {
    this.requireSecret();
    await this.rateLimiter.take('admin-register-address', ip);
    const nonce = newSecretToken();
    await this.database.db
      .transaction()
      .execute((trx) => new RegistrationNonceTransactor(trx).issue(nonce, NONCE_LIFETIME_MS));
    return { nonce };
  }

  @Post()
  async register(@Body({ schema: registerSchema }) body: RegisterRequest, @Ip() ip: string) {
    const secret = this.requireSecret();
    const { nonce, username, password, admin } = body;
    // 1. The nonce is spent by the try, whatever comes of it.
    const isFresh = await this.database.db
      .transaction()
      .execute((trx) => new RegistrationNonceTransactor(trx).spend(nonce));
    if (!isFresh) throw new MatrixError(400, 'M_UNKNOWN', 'Unrecognised nonce');
    // 2. The caller knows the secret.
    if (!isMacOf(body, secret)) throw forbidden('HMAC incorrect');
    // 3. The account, with a device.
    const userId = newUserId(username, this.config.serverName);
    const passwordHash = await this.hasher.hash(password);
    const session = await this.changes.transact(async (change) => {
      const { transaction: trx } = change;
      if (!(await new AccountTransactor(trx).create({ userId, passwordHash, isAdmin: admin })))
        throw userInUse();
      if (body.displayname)
        await new ProfileTransactor(trx).setField(userId, 'displayname', body.displayname);
      return issueSession(change, { userId, canRefresh: false, ip });
    });
    return { ...session, home_server: this.config.serverName };
  }

  private requireSecret(): string {
    const { registrationSharedSecret } = this.config;
    if (registrationSharedSecret === undefined) throw unrecognized(404);
    return registrationSharedSecret;
  }
}

function isMacOf({ nonce, username, password, admin, mac }: RegisterRequest, secret: string): boolean {
  const expected = createHmac('sha1', secret)
    .update([nonce, username, password, admin ? 'admin' : 'notadmin'].join('\0'))
    .digest();
  const given = Buffer.from(mac, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

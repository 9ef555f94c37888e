import { type Config, ConfigError, type ServerNoticesConfig } from '@atoll/config';
import { AccountReader, AccountTransactor, type Database, ProfileReader } from '@atoll/database';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DATABASE, CONFIG } from '../platform/tokens.js';
import { ChangeProfileHandler } from '../profile/change-profile.handler.js';

/** Makes the account by which the server tells its users something, before anybody else can take its name. */
@Injectable()
export class ServerNoticesAccount implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DATABASE) private readonly database: Database,
    private readonly accounts: AccountReader,
    private readonly profiles: ProfileReader,
    private readonly changeProfile: ChangeProfileHandler,
  ) {}

  /** @throws ConfigError when the account is somebody's, who would read along in all of the rooms */
  async onModuleInit(): Promise<void> {
    const { serverNotices } = this.config;
    if (serverNotices === undefined) return;
    const { userId } = serverNotices;
    await this.database.db
      .transaction()
      .execute((trx) => new AccountTransactor(trx).create({ userId, passwordHash: null, isAdmin: false }));
    const account = await this.accounts.find(userId);
    if (account === undefined || account.passwordHash !== null || account.isDeactivated) {
      throw new ConfigError([`ATOLL_SERVER_NOTICES_USER: ${userId} is or was the account of somebody`]);
    }
    await this.dress(serverNotices);
  }

  private async dress({ userId, displayName, avatarUrl }: ServerNoticesConfig): Promise<void> {
    const wanted = [
      ['displayname', displayName],
      ['avatar_url', avatarUrl],
    ] as const;
    for (const [name, value] of wanted) {
      if ((await this.profiles.field(userId, name)) === value) continue;
      if (value === undefined) await this.changeProfile.delete(userId, name);
      else await this.changeProfile.set(userId, name, value);
    }
  }
}

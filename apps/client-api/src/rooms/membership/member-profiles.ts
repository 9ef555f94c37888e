import type { Config } from '@atoll/config';
import { type MemberProfile, ProfileReader } from '@atoll/database';
import { serverNameOf, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';

/** Display names and avatars that member events carry. */
@Injectable()
export class MemberProfiles {
  constructor(
    private readonly profiles: ProfileReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Nothing is known of users of other servers. */
  async of(users: readonly UserId[]): Promise<(user: UserId) => MemberProfile> {
    const local = users.filter((user) => serverNameOf(user) === this.config.serverName);
    const known = await this.profiles.profileOf(local);
    return (user) => known.get(user) ?? {};
  }

  async one(user: UserId): Promise<MemberProfile> {
    return (await this.of([user]))(user);
  }
}

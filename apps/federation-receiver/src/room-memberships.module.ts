import { EventReader, HeroReader } from '@atoll/database';
import { RoomClient } from '@atoll/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { ExchangeThirdPartyInviteController } from './exchange-third-party-invite/exchange-third-party-invite.controller.js';
import { InviteController } from './invite/invite.controller.js';
import { InviteLimits } from './invite/invite-limits.js';
import { MakeMembershipController } from './make-membership/make-membership.controller.js';
import { BoundInvites } from './on-bind-third-party-identifier/bound-invites.js';
import { OnBindThirdPartyIdentifierController } from './on-bind-third-party-identifier/on-bind-third-party-identifier.controller.js';
import type { Platform } from './platform.js';
import { JoinAnswers } from './send-membership/join-answers.js';
import { KnockStates } from './send-membership/knock-states.js';
import { SendMembershipController } from './send-membership/send-membership.controller.js';

/** How users of other servers come into rooms and out of them, and users of this one are invited. */
@Module({
  controllers: [
    ExchangeThirdPartyInviteController,
    InviteController,
    MakeMembershipController,
    OnBindThirdPartyIdentifierController,
    SendMembershipController,
  ],
  providers: [JoinAnswers, KnockStates],
})
export class RoomMembershipsModule {
  static on({ config, database, redis, rooms, federation }: Platform, reads: DynamicModule): DynamicModule {
    return {
      module: RoomMembershipsModule,
      imports: [reads],
      providers: [
        { provide: RoomClient, useValue: rooms },
        { provide: InviteLimits, useValue: new InviteLimits(config, redis) },
        { provide: BoundInvites, useValue: new BoundInvites(config.serverName, rooms, federation) },
        { provide: EventReader, useValue: new EventReader(database) },
        { provide: HeroReader, useValue: new HeroReader(database) },
      ],
    };
  }
}

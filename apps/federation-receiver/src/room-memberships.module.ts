import { EventReader } from '@atoll/database';
import { RoomClient } from '@atoll/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { InviteController } from './invite/invite.controller.js';
import { MakeMembershipController } from './make-membership/make-membership.controller.js';
import type { Platform } from './platform.js';
import { JoinAnswers } from './send-membership/join-answers.js';
import { KnockStates } from './send-membership/knock-states.js';
import { SendMembershipController } from './send-membership/send-membership.controller.js';

/** How users of other servers come into rooms and out of them, and users of this one are invited. */
@Module({
  controllers: [InviteController, MakeMembershipController, SendMembershipController],
  providers: [JoinAnswers, KnockStates],
})
export class RoomMembershipsModule {
  static on({ database, rooms }: Platform, reads: DynamicModule): DynamicModule {
    return {
      module: RoomMembershipsModule,
      imports: [reads],
      providers: [
        { provide: RoomClient, useValue: rooms },
        { provide: EventReader, useValue: new EventReader(database) },
      ],
    };
  }
}

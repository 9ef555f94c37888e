import { Module } from '@nestjs/common';
import { ChangeProfileHandler } from './change-profile.handler.js';
import { MembershipFollower } from './membership-follower.js';
import { ProfileController } from './profile.controller.js';
import { RoomChanges } from './room-changes.js';

/** Profiles, and the memberships that follow them. */
@Module({
  controllers: [ProfileController],
  providers: [ChangeProfileHandler, MembershipFollower, RoomChanges],
  exports: [MembershipFollower],
})
export class ProfileModule {}

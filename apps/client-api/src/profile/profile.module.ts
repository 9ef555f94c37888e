import { Module } from '@nestjs/common';
import { FederationModule } from '../federation/federation.module.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { ChangeProfileHandler } from './change-profile.handler.js';
import { MembershipFollower } from './membership-follower.js';
import { ProfileLookup } from './profile-lookup.js';
import { ProfileController } from './profile.controller.js';
import { RemoteProfiles } from './remote-profiles.js';
import { RoomChanges } from './room-changes.js';

/** Profiles, and the memberships that follow them. */
@Module({
  imports: [FederationModule, RoomsModule],
  controllers: [ProfileController],
  providers: [ChangeProfileHandler, MembershipFollower, ProfileLookup, RemoteProfiles, RoomChanges],
  exports: [ChangeProfileHandler, MembershipFollower],
})
export class ProfileModule {}

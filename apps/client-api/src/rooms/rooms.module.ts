import {
  AliasReader,
  AliasTransactor,
  type Database,
  ForgottenRoomTransactor,
  PublishedRoomReader,
  PublishedRoomTransactor,
  RoomReplacementTransactor,
} from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { AccountDataModule } from '../account-data/account-data.module.js';
import { RateLimiterModule } from '../auth/rate-limiter.module.js';
import { DelayedEventSchedulingModule } from '../delayed-events/delayed-event-scheduling.module.js';
import { EventsModule } from '../events/events.module.js';
import { FederationModule } from '../federation/federation.module.js';
import { DATABASE } from '../platform/tokens.js';
import { PresenceActivityModule } from '../presence/presence-activity.module.js';
import { PushRulesModule } from '../push-rules/push-rules.module.js';
import { Predecessors } from './access/predecessors.js';
import { RoomAccess } from './access/room-access.js';
import { RoomPowers } from './access/room-powers.js';
import { RoomStateEvents } from './access/room-state.js';
import { SenderMembers } from './access/sender-members.js';
import { BanController } from './ban/ban.controller.js';
import { RoomCommands } from './commands/room-commands.js';
import { CreateRoomController } from './create-room/create-room.controller.js';
import { CreateRoomHandler } from './create-room/create-room.handler.js';
import { RoomCreation } from './create-room/room-creation.js';
import { DeleteRoomAliasController } from './directory/delete-room-alias.controller.js';
import { DeleteRoomAliasHandler } from './directory/delete-room-alias.handler.js';
import { GetLocalAliasesController } from './directory/get-local-aliases.controller.js';
import { GetRoomIdByAliasController } from './directory/get-room-id-by-alias.controller.js';
import { ResolveAlias } from './directory/resolve-alias.js';
import { RoomVisibilityController } from './directory/room-visibility.controller.js';
import { SetRoomAliasController } from './directory/set-room-alias.controller.js';
import { ForgetRoomController } from './forget-room/forget-room.controller.js';
import { GetEventContextController } from './get-event-context/get-event-context.controller.js';
import { GetEventContextHandler } from './get-event-context/get-event-context.handler.js';
import { GetJoinedMembersController } from './get-joined-members/get-joined-members.controller.js';
import { GetJoinedRoomsController } from './get-joined-rooms/get-joined-rooms.controller.js';
import { GetMembersController } from './get-members/get-members.controller.js';
import { GetMembersHandler } from './get-members/get-members.handler.js';
import { GetOneRoomEventController } from './get-one-room-event/get-one-room-event.controller.js';
import { GetRoomEventsController } from './get-room-events/get-room-events.controller.js';
import { GetRoomEventsHandler } from './get-room-events/get-room-events.handler.js';
import { OlderHistory } from './get-room-events/older-history.js';
import { ScrollBack } from './get-room-events/scroll-back.js';
import { TimelinePages } from './get-room-events/timeline-pages.js';
import { GetRoomStateController } from './get-room-state/get-room-state.controller.js';
import { InviteUserController } from './invite-user/invite-user.controller.js';
import { JoinRoomController } from './join-room/join-room.controller.js';
import { JoinRoomHandler } from './join-room/join-room.handler.js';
import { ThirdPartyInvites } from './join-room/third-party-invites.js';
import { KickController } from './kick/kick.controller.js';
import { KnockRoomController } from './knock-room/knock-room.controller.js';
import { LeaveRoomController } from './leave-room/leave-room.controller.js';
import { NoticesRoomCheck } from './membership/notices-room.check.js';
import { MemberProfiles } from './membership/member-profiles.js';
import { TargetAction } from './membership/target-action.js';
import { ViaServers } from './membership/via-servers.js';
import { PublicRoomsController } from './public-rooms/public-rooms.controller.js';
import { PublicRoomsHandler } from './public-rooms/public-rooms.handler.js';
import { RemoteDirectory } from './public-rooms/remote-directory.js';
import { RedactEventController } from './redact-event/redact-event.controller.js';
import { RelationCheck } from './send-message/relation.check.js';
import { SendMessageController } from './send-message/send-message.controller.js';
import { SendMessageHandler } from './send-message/send-message.handler.js';
import { CanonicalAliasCheck } from './set-room-state/canonical-alias.check.js';
import { PowerLevelsCheck } from './set-room-state/power-levels.check.js';
import { SetRoomStateController } from './set-room-state/set-room-state.controller.js';
import { SetRoomStateHandler } from './set-room-state/set-room-state.handler.js';
import { UnbanController } from './unban/unban.controller.js';
import { CarryOver } from './upgrade-room/carry-over.js';
import { OldRooms } from './upgrade-room/old-rooms.js';
import { Replacements } from './upgrade-room/replacements.js';
import { Retirement } from './upgrade-room/retirement.js';
import { SettingsTransfer } from './upgrade-room/settings-transfer.js';
import { UpgradeRoomController } from './upgrade-room/upgrade-room.controller.js';
import { UpgradeRoomHandler } from './upgrade-room/upgrade-room.handler.js';

const onDatabase = [
  AliasReader,
  AliasTransactor,
  ForgottenRoomTransactor,
  PublishedRoomReader,
  PublishedRoomTransactor,
  RoomReplacementTransactor,
].map((type: new (database: Database) => object): Provider => {
  return { provide: type, useFactory: (database: Database) => new type(database), inject: [DATABASE] };
});

/** Everything that clients do with rooms, but sync. */
@Module({
  imports: [
    AccountDataModule,
    DelayedEventSchedulingModule,
    EventsModule,
    FederationModule,
    PresenceActivityModule,
    PushRulesModule,
    RateLimiterModule,
  ],
  controllers: [
    BanController,
    CreateRoomController,
    DeleteRoomAliasController,
    ForgetRoomController,
    GetEventContextController,
    GetJoinedMembersController,
    GetJoinedRoomsController,
    GetLocalAliasesController,
    GetMembersController,
    GetOneRoomEventController,
    GetRoomEventsController,
    GetRoomIdByAliasController,
    GetRoomStateController,
    InviteUserController,
    JoinRoomController,
    KickController,
    KnockRoomController,
    LeaveRoomController,
    PublicRoomsController,
    RedactEventController,
    RoomVisibilityController,
    SendMessageController,
    SetRoomAliasController,
    SetRoomStateController,
    UnbanController,
    UpgradeRoomController,
  ],
  providers: [
    ...onDatabase,
    CanonicalAliasCheck,
    CarryOver,
    CreateRoomHandler,
    DeleteRoomAliasHandler,
    GetEventContextHandler,
    GetMembersHandler,
    GetRoomEventsHandler,
    JoinRoomHandler,
    MemberProfiles,
    NoticesRoomCheck,
    OldRooms,
    OlderHistory,
    PowerLevelsCheck,
    Predecessors,
    PublicRoomsHandler,
    RelationCheck,
    RemoteDirectory,
    Replacements,
    ResolveAlias,
    Retirement,
    RoomAccess,
    RoomCommands,
    RoomCreation,
    RoomPowers,
    RoomStateEvents,
    ScrollBack,
    SenderMembers,
    SendMessageHandler,
    SetRoomStateHandler,
    SettingsTransfer,
    TargetAction,
    ThirdPartyInvites,
    TimelinePages,
    UpgradeRoomHandler,
    ViaServers,
  ],
  exports: [
    MemberProfiles,
    OlderHistory,
    Predecessors,
    ResolveAlias,
    RoomAccess,
    RoomCommands,
    RoomCreation,
    RoomStateEvents,
    SenderMembers,
    SetRoomStateHandler,
    TimelinePages,
    ViaServers,
  ],
})
export class RoomsModule {}

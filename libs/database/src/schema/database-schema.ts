import type { AccountDataTable } from './account-data.table.js';
import type { MembershipJobsTable } from './account-job.table.js';
import type {
  AccessTokensTable,
  DehydratedDevicesTable,
  DevicesTable,
  FiltersTable,
  OpenidTokensTable,
  ProfileFieldsTable,
  RegistrationNoncesTable,
  RegistrationTokensTable,
  UiaSessionsTable,
  UsersTable,
} from './account.table.js';
import type { DelayedEventsTable } from './delayed-event.table.js';
import type {
  ClaimedOneTimeKeysTable,
  CrossSigningKeysTable,
  DeviceKeysTable,
  DeviceListsTable,
  FallbackKeysTable,
  KeyCountsTable,
  KeySignaturesTable,
  OneTimeKeysTable,
} from './device-key.table.js';
import type {
  DeviceChangesTable,
  DeviceListCursorsTable,
  DeviceListIntroductionsTable,
  RemoteDeviceListsTable,
  RemoteDevicesTable,
} from './device-federation.table.js';
import type { PresenceTable, ReceiptsTable, TypingTable } from './ephemeral.table.js';
import type {
  CommandResultsTable,
  EventPositionsTable,
  EventStateTable,
  EventsTable,
  EventTransactionsTable,
  RedactionsTable,
  ServerKeysTable,
} from './event.table.js';
import type {
  BackwardExtremitiesTable,
  DestinationRoomsTable,
  DestinationsTable,
  ForwardedEventsTable,
  PendingRedactionsTable,
  ReceivedTransactionsTable,
  SenderCursorsTable,
  StagedPdusTable,
  StrippedStatesTable,
  TransactionClaimsTable,
} from './federation.table.js';
import type { InstallationTable } from './installation.table.js';
import type { BackedUpKeysTable, KeyBackupCountersTable, KeyBackupsTable } from './key-backup.table.js';
import type { MediaTable } from './media.table.js';
import type { MembersTable, PartitionsTable } from './partition.table.js';
import type { EventRelationsTable, RelationTypesTable, ThreadsTable } from './relation.table.js';
import type { ReportsTable } from './report.table.js';
import type { RoomBlocksTable, RoomJobsTable } from './room-job.table.js';
import type {
  EventTypesTable,
  MembershipsTable,
  RoomAliasesTable,
  RoomHeadsTable,
  RoomsTable,
  RoomStateTable,
  StateKeysTable,
  StateResetsTable,
} from './room.table.js';
import type {
  DirectoryRoomsTable,
  EventSearchTable,
  IndexCursorsTable,
  UserDirectoryTable,
} from './search.table.js';
import type { ServerKeyAnswersTable } from './server-key-answer.table.js';
import type {
  ServerNoticeDeliveriesTable,
  ServerNoticeRoomsTable,
  ServerNoticesTable,
} from './server-notice.table.js';
import type { SlidingConnectionsTable, SlidingMemoriesTable } from './sliding-sync.table.js';
import type { ThreadSubscriptionsTable } from './thread-subscription.table.js';
import type { PushCursorsTable, UnreadCountsTable } from './unread.table.js';
import type { OutgoingToDeviceTable, ToDeviceRequestsTable, ToDeviceTable } from './to-device.table.js';

/** Every table, by name. Each area appends its own from `schema/<table>.table.ts`. */
export interface DatabaseSchema {
  installation: InstallationTable;
  members: MembersTable;
  partitions: PartitionsTable;

  event_types: EventTypesTable;
  state_keys: StateKeysTable;
  rooms: RoomsTable;
  room_heads: RoomHeadsTable;
  room_state: RoomStateTable;
  memberships: MembershipsTable;
  room_aliases: RoomAliasesTable;
  state_resets: StateResetsTable;
  events: EventsTable;
  event_positions: EventPositionsTable;
  event_state: EventStateTable;
  event_transactions: EventTransactionsTable;
  command_results: CommandResultsTable;
  redactions: RedactionsTable;
  relation_types: RelationTypesTable;
  event_relations: EventRelationsTable;
  threads: ThreadsTable;
  server_keys: ServerKeysTable;
  server_key_answers: ServerKeyAnswersTable;

  staged_pdus: StagedPdusTable;
  stripped_states: StrippedStatesTable;
  backward_extremities: BackwardExtremitiesTable;
  pending_redactions: PendingRedactionsTable;
  received_transactions: ReceivedTransactionsTable;
  transaction_claims: TransactionClaimsTable;
  sender_cursors: SenderCursorsTable;
  destinations: DestinationsTable;
  destination_rooms: DestinationRoomsTable;
  forwarded_events: ForwardedEventsTable;

  index_cursors: IndexCursorsTable;
  event_search: EventSearchTable;
  directory_rooms: DirectoryRoomsTable;
  user_directory: UserDirectoryTable;
  delayed_events: DelayedEventsTable;
  server_notices: ServerNoticesTable;
  server_notice_deliveries: ServerNoticeDeliveriesTable;
  server_notice_rooms: ServerNoticeRoomsTable;
  room_jobs: RoomJobsTable;
  room_blocks: RoomBlocksTable;

  media: MediaTable;
  reports: ReportsTable;

  users: UsersTable;
  devices: DevicesTable;
  dehydrated_devices: DehydratedDevicesTable;
  access_tokens: AccessTokensTable;
  openid_tokens: OpenidTokensTable;
  uia_sessions: UiaSessionsTable;
  registration_tokens: RegistrationTokensTable;
  registration_nonces: RegistrationNoncesTable;
  profile_fields: ProfileFieldsTable;
  membership_jobs: MembershipJobsTable;
  filters: FiltersTable;
  account_data: AccountDataTable;
  receipts: ReceiptsTable;
  typing: TypingTable;
  presence: PresenceTable;
  thread_subscriptions: ThreadSubscriptionsTable;

  device_keys: DeviceKeysTable;
  one_time_keys: OneTimeKeysTable;
  claimed_one_time_keys: ClaimedOneTimeKeysTable;
  fallback_keys: FallbackKeysTable;
  cross_signing_keys: CrossSigningKeysTable;
  key_signatures: KeySignaturesTable;
  device_lists: DeviceListsTable;
  key_counts: KeyCountsTable;
  device_changes: DeviceChangesTable;
  device_list_cursors: DeviceListCursorsTable;
  device_list_introductions: DeviceListIntroductionsTable;
  remote_device_lists: RemoteDeviceListsTable;
  remote_devices: RemoteDevicesTable;

  to_device: ToDeviceTable;
  outgoing_to_device: OutgoingToDeviceTable;
  to_device_requests: ToDeviceRequestsTable;

  key_backup_counters: KeyBackupCountersTable;
  key_backups: KeyBackupsTable;
  backed_up_keys: BackedUpKeysTable;

  sliding_connections: SlidingConnectionsTable;
  sliding_memories: SlidingMemoriesTable;

  unread_counts: UnreadCountsTable;
  push_cursors: PushCursorsTable;
}

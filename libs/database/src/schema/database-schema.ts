import type { AccountDataTable } from './account-data.table.js';
import type { MembershipJobsTable } from './account-job.table.js';
import type {
  AccessTokensTable,
  DevicesTable,
  FiltersTable,
  OpenidTokensTable,
  ProfileFieldsTable,
  RegistrationNoncesTable,
  RegistrationTokensTable,
  UiaSessionsTable,
  UsersTable,
} from './account.table.js';
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
import type { MediaTable } from './media.table.js';
import type { MembersTable, PartitionsTable } from './partition.table.js';
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
import type { ServerKeyAnswersTable } from './server-key-answer.table.js';

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

  media: MediaTable;

  users: UsersTable;
  devices: DevicesTable;
  access_tokens: AccessTokensTable;
  openid_tokens: OpenidTokensTable;
  uia_sessions: UiaSessionsTable;
  registration_tokens: RegistrationTokensTable;
  registration_nonces: RegistrationNoncesTable;
  profile_fields: ProfileFieldsTable;
  membership_jobs: MembershipJobsTable;
  filters: FiltersTable;
  account_data: AccountDataTable;
}

import type { RoomId, UserId } from '@atoll/matrix';

/** The `account_data` stream: the newest content of each type, at the position of its last change. */
export interface AccountDataTable {
  user_id: UserId;
  /** Empty for global account data. */
  room_id: RoomId | '';
  type: string;
  /** JSON object; see `DELETED_CONTENT` for what was deleted. */
  content: string;
  position: number;
}

/** What users have not read of threads: one row for each in which there is something. Written by the push service alone. */
export interface UnreadCountsTable {
  /** A `state_key_nid`. */
  user_nid: number;
  room_nid: number;
  /** The event of its root; 0 for the main timeline. */
  thread_nid: number;
  notify: number;
  highlight: number;
  /** Events up to this position are not in it. */
  since_position: number;
}

/** How far the push service has come in the rooms of a partition. */
export interface PushCursorsTable {
  partition: number;
  events_position: number;
  receipts_position: number;
}

/** An event as clients get it; sync leaves `room_id` out, stripped state most of the rest. */
export interface ClientEvent {
  event_id: string;
  type: string;
  sender: string;
  state_key?: string;
  room_id?: string;
  origin_server_ts: number;
  content: Record<string, unknown>;
  unsigned?: {
    membership?: string;
    transaction_id?: string;
    prev_content?: Record<string, unknown>;
    prev_sender?: string;
    redacted_because?: ClientEvent;
    [key: string]: unknown;
  };
}

/** The fields of answers that tests look at; each answer has just some of them. */
export interface AnswerBody {
  errcode?: string;
  error?: string;
  user_id?: string;
  device_id?: string;
  access_token?: string;
  refresh_token?: string;
  room_id?: string;
  event_id?: string;
  filter_id?: string;
  session?: string;
  flows?: { stages: string[] }[];
  chunk?: ClientEvent[];
  state?: ClientEvent[];
  start?: string;
  end?: string;
  joined?: Record<string, Record<string, unknown>>;
  joined_rooms?: string[];
  [key: string]: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; `{}` when the answer holds no JSON object. */
  readonly body: AnswerBody;
  readonly text: string;
}

export interface Timeline {
  events: ClientEvent[];
  limited?: boolean;
  prev_batch?: string;
}

export interface UnreadCounts {
  notification_count: number;
  highlight_count: number;
}

export interface SyncRoom {
  unread_notifications?: UnreadCounts;
  unread_thread_notifications?: Record<string, UnreadCounts>;
  timeline: Timeline;
  state?: { events: ClientEvent[] };
  state_after?: { events: ClientEvent[] };
  account_data?: { events: ClientEvent[] };
  ephemeral?: { events: ClientEvent[] };
  summary?: Record<string, unknown>;
}

export interface SyncAnswer {
  next_batch: string;
  presence?: { events: ClientEvent[] };
  account_data?: { events: ClientEvent[] };
  to_device?: { events: Pick<ClientEvent, 'sender' | 'type' | 'content'>[] };
  rooms?: {
    join?: Record<string, SyncRoom>;
    leave?: Record<string, SyncRoom>;
    invite?: Record<string, { invite_state: { events: ClientEvent[] } }>;
    knock?: Record<string, { knock_state: { events: ClientEvent[] } }>;
  };
}

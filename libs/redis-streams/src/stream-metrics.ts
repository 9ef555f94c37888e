import { counter, histogram } from '@atoll/telemetry';

export const requestDuration = histogram(
  'atoll_command_request_duration_seconds',
  'From request to answer as the caller sees it, resends included; by pattern and outcome',
);
export const handleDuration = histogram(
  'atoll_command_handle_duration_seconds',
  'Time in the handler; by pattern and outcome',
);
export const queueDuration = histogram(
  'atoll_command_queue_duration_seconds',
  'From the entry in Redis to its handler; by pattern',
);
export const resent = counter('atoll_command_resent_total', 'Requests sent again; by reason');
export const refusedByLoad = counter(
  'atoll_command_refused_total',
  'Requests refused at once because a bound is reached',
);
export const expired = counter(
  'atoll_command_expired_total',
  'Requests dropped unhandled because nobody waits any more',
);
export const notOwner = counter('atoll_command_not_owner_total', 'Requests answered NotOwner');
export const joined = counter(
  'atoll_command_joined_total',
  'Requests that joined a running one of the same idempotency key',
);
export const repliesLost = counter('atoll_command_replies_lost_total', 'Answers that could not be written');
export const retried = counter(
  'atoll_work_retried_total',
  'Work that failed or whose consumer died, taken up again',
);
export const deadLetters = counter(
  'atoll_work_dead_letters_total',
  'Work given up and put aside for a person to look at',
);
export const announced = counter('atoll_announcements_total', 'Announcements published; by name');
export const announcementsFailed = counter(
  'atoll_announcements_failed_total',
  'Announcements that Redis did not take',
);
export const announcementGaps = counter(
  'atoll_announcement_gaps_total',
  'Times a reader had to fall back to PostgreSQL',
);

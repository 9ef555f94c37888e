/** The six services; also the names of their inboxes, members and processes. */
export const serviceNames = [
  'client-api',
  'federation-receiver',
  'federation-sender',
  'room-state',
  'media',
  'push',
] as const;
export type ServiceName = (typeof serviceNames)[number];

/** How many changes of subscriptions an answer has when the client does not say, and at most. @see proposals/4308-sliding-sync-ext-thread-subscriptions.md */
export const DEFAULT_CHANGES = 100;
export const MAX_CHANGES = 500;

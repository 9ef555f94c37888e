export const TIMELINE = 20;

/** What a client asks for when its user logs in. */
export const FIRST_SYNC_FILTER = JSON.stringify({
  room: { timeline: { limit: TIMELINE, lazy_load_members: true }, state: { lazy_load_members: true } },
});

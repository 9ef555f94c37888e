/**
 * The content of an account data entry that was deleted: incremental syncs tell it, as `{}`, and nothing else finds it. What is written
 * otherwise has no space in it, and instances from before there were deletions read it as the `{}` that it is told as.
 */
export const DELETED_CONTENT = '{ }';

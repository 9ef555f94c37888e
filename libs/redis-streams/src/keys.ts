/**
 * Every key of the transport. The part in braces decides the Cluster slot, so that the keys that one command or
 * transaction touches lie together.
 */
export const inboxKey = (service: string, instance: string) => `{atoll:${service}:${instance}}:inbox`;
export const repliesKey = (instance: string) => `{atoll:replies:${instance}}:replies`;
export const workKey = (service: string) => `{atoll:${service}:work}:stream`;
export const deadLetterKey = (service: string) => `{atoll:${service}:work}:dead`;
/** All announcements share a slot: one blocking read covers what an instance listens to. */
export const announcementKey = (name: string) => `{atoll:announcements}:${name}`;

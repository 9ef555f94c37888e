/** Injection tokens of what the platform has as interfaces; classes are injected by themselves. */
export const CONFIG = Symbol('Config');
export const DATABASE = Symbol('Database');
export const FEDERATION = Symbol('FederationClient');
export const LOGGER = Symbol('Logger');
export const REDIS = Symbol('Redis');

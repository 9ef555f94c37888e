/** Injection token of this server's name. */
export const OWN_SERVER_NAME = Symbol('OwnServerName');

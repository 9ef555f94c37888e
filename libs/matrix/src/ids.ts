/** Branded Matrix identifiers: a string does not become one unparsed (see the parse functions in `parse-ids.ts`). */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `!opaque:server` (room versions 1–11) or `!hash` (12). */
export type RoomId = Branded<'RoomId'>;
/** `$…` */
export type EventId = Branded<'EventId'>;
/** `@localpart:server` */
export type UserId = Branded<'UserId'>;
/** `#localpart:server` */
export type RoomAlias = Branded<'RoomAlias'>;
/** `hostname[:port]` */
export type ServerName = Branded<'ServerName'>;
/** Chosen by the client or by the server at login. */
export type DeviceId = Branded<'DeviceId'>;

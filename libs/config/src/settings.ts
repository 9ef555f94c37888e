import { isNewUserLocalpart, isServerName, isUserId } from '@atoll/matrix';
import type { ServerName, UserId } from '@atoll/matrix';
import { z } from 'zod';
import { DEFAULT_IP_DENYLIST } from './default-ip-denylist.js';
import { cidrList, integer, list, port, text, toggle } from './setting-types.js';

const serverName = z.custom<ServerName>(isServerName, 'must be a Matrix server name: host or host:port');

/**
 * Everything that can be set, in the YAML file by these names and in the environment as `ATOLL_` and the name in
 * upper snake case (`dataDir` → `ATOLL_DATA_DIR`).
 */
export const settingsSchema = z.strictObject({
  /** The Matrix server name; it can never change. */
  serverName: serverName.optional(),
  databaseUrl: text.optional(),
  redisUrl: text.optional(),
  /** Connections to PostgreSQL that one process keeps. */
  databasePoolSize: integer(1, 1000).default(10),
  /** Where embedded servers, the signing key and local media live. */
  dataDir: text.default('./data'),
  /** The file of the key that signs events, made when missing; by default in `dataDir`. */
  signingKeyFile: text.optional(),
  /** The address that every listener binds. */
  host: text.default('127.0.0.1'),
  clientPort: port.default(8008),
  federationPort: port.default(8448),
  metricsPort: port.default(9100),
  tlsCert: text.optional(),
  tlsKey: text.optional(),
  /** Where clients reach this server. */
  publicBaseurl: z.url({ protocol: /^https?$/ }).optional(),
  /** Host and port at which other servers reach this one, told at `/.well-known/matrix/server`. */
  delegatedServer: serverName.optional(),
  /** An administrator's user id or e-mail address, and a page about support, for `/.well-known/matrix/support`. */
  supportContact: z.union([z.email(), z.custom<UserId>(isUserId)]).optional(),
  supportPage: z.url({ protocol: /^https?$/ }).optional(),
  /** Proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: cidrList.default([]),
  /** PEM files trusted for outbound federation beside the system's. */
  extraCa: list.default([]),
  /** Ranges that outbound requests may not reach; empty allows all. */
  ipDenylist: cidrList.default([...DEFAULT_IP_DENYLIST]),
  trustedKeyServers: list.pipe(z.array(serverName)).default([]),
  registration: z.enum(['closed', 'token', 'open']).optional(),
  registrationSharedSecret: text.optional(),
  /** Whether strangers may register as guests; those who have stay guests without it. */
  guestAccess: toggle.default(false),
  rateLimits: toggle.default(true),
  presence: toggle.default(true),
  /**
   * Push rules about subscriptions to threads (MSC4306): with them, replies in threads count for those alone who are subscribed or mentioned,
   * also for users whose client cannot subscribe.
   */
  threadSubscriptionRules: toggle.default(false),
  /** Events that users want sent later: the longest delay, and how many may wait for one user; 0 allows none. */
  maxEventDelayMs: integer(1000, 366 * 24 * 3_600_000).default(24 * 3_600_000),
  maxDelayedEvents: integer(0, 1000).default(100),
  /**
   * The account (its localpart) by which the server tells its users something; nobody can be told anything without. It must be nobody's,
   * and Atoll makes it: nobody can log in as it. The others are how it and its rooms look; the avatar is an `mxc:` URI.
   */
  serverNoticesUser: text
    .refine(isNewUserLocalpart, 'must be the part of a user id between @ and :')
    .optional(),
  serverNoticesDisplayName: text.default('Server Notices'),
  serverNoticesAvatar: text.regex(/^mxc:\/\/[^/]+\/[\w-]+$/, 'must be an mxc: URI').optional(),
  serverNoticesRoomName: text.default('Server Notices'),
  /** LiveKit authorisation services for calls, the preferred one first. */
  rtcLivekitUrls: list.pipe(z.array(z.url({ protocol: /^https?$/ }))).default([]),
  defaultRoomVersion: text.default('12'),
  /** State events of a room of other servers that users may still join; no limit when absent. */
  maxJoinedRoomState: integer(1, 250_000).optional(),
  appserviceDir: text.optional(),
  /** Argon2id, RFC 9106. */
  passwordHashMemoryKib: integer(8, 4_194_304).default(19_456),
  passwordHashIterations: integer(1, 100).default(2),
  maxUploadBytes: integer(1, 2 ** 40).default(50 * 1024 * 1024),
  /** Fixed at installation: the number of partitions of rooms, and of destinations. */
  partitions: integer(1, 4096).default(128),
  /** Names this process in leases and streams. */
  instanceId: text.optional(),
  /** Seconds that a stopping process still accepts requests, so that routers notice it first. */
  drainSeconds: integer(0, 60).optional(),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Whether callers over HTTP may continue their trace, and so decide what is sampled. */
  acceptTraceContext: toggle.default(false),
  /** A file that gets one JSON line for each sampled span; for tests. */
  traceFile: text.optional(),
});

export type Settings = z.output<typeof settingsSchema>;
export type SettingName = keyof Settings;

export const settingNames = Object.keys(settingsSchema.shape) as SettingName[];

/** `dataDir` → `ATOLL_DATA_DIR` */
export function variableOf(name: SettingName): string {
  return `ATOLL_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Settings that `<variable>_FILE` may also name a file for. */
export const secretNames: readonly SettingName[] = ['databaseUrl', 'redisUrl', 'registrationSharedSecret'];

/** Settings whose empty text means the empty list; an empty text of any other variable counts as not set. */
export const listNames: readonly SettingName[] = [
  'trustedProxies',
  'extraCa',
  'ipDenylist',
  'trustedKeyServers',
  'rtcLivekitUrls',
];

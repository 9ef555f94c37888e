import type { ServerName, UserId } from '@atoll/matrix';
import type { Settings } from './settings.js';
import type { TracingSettings } from './tracing-settings.js';

type Derived =
  'serverName' | 'signingKeyFile' | 'publicBaseurl' | 'registration' | 'instanceId' | 'drainSeconds';

/** By whom the server tells its users something, and how that looks. */
export interface ServerNoticesConfig {
  readonly userId: UserId;
  readonly displayName: string;
  readonly avatarUrl: string | undefined;
  readonly roomName: string;
}

/** All settings, validated, with every default filled in. */
export interface Config extends Readonly<Omit<Settings, Derived>> {
  readonly serverName: ServerName;
  readonly signingKeyFile: string;
  /** Without a trailing slash. */
  readonly publicBaseurl: string;
  readonly registration: 'closed' | 'token' | 'open';
  readonly instanceId: string;
  readonly drainSeconds: number;
  /** No `databaseUrl` is given: this process starts its own PostgreSQL. */
  readonly embedded: boolean;
  readonly tracing: TracingSettings;
  /** Undefined when nobody is told anything. */
  readonly serverNotices: ServerNoticesConfig | undefined;
}

/** A configuration that names its PostgreSQL and Redis, as every service needs it. */
export interface ConnectedConfig extends Config {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

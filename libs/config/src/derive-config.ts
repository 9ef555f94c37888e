import { hostname } from 'node:os';
import { join } from 'node:path';
import { isUserId, type ServerName, userIdOf } from '@atoll/matrix';
import type { Config, ServerNoticesConfig } from './config.js';
import type { Settings } from './settings.js';
import { variableOf } from './settings.js';
import type { TracingSettings } from './tracing-settings.js';

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Fills in the defaults that depend on other settings, and checks what no single setting can tell. */
export function deriveConfig(settings: Settings, tracing: TracingSettings, problems: string[]): Config {
  const embedded = settings.databaseUrl === undefined;
  if (!embedded && settings.serverName === undefined) {
    problems.push(`${variableOf('serverName')}: required with a database of your own`);
  }
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined)) {
    problems.push(`${variableOf('tlsCert')} and ${variableOf('tlsKey')}: give both or none`);
  }
  const serverName = settings.serverName ?? ('localhost' as ServerName);
  return {
    ...settings,
    embedded,
    tracing,
    serverName,
    serverNotices: serverNoticesOf(settings, serverName, problems),
    signingKeyFile: settings.signingKeyFile ?? join(settings.dataDir, 'signing.key'),
    publicBaseurl: (settings.publicBaseurl ?? ownUrl(settings)).replace(/\/+$/, ''),
    registration: settings.registration ?? (embedded && LOOPBACK.test(settings.host) ? 'open' : 'closed'),
    instanceId: settings.instanceId ?? `${hostname()}-${process.pid}`,
    drainSeconds: settings.drainSeconds ?? (embedded ? 0 : 2),
  };
}

function serverNoticesOf(
  settings: Settings,
  serverName: ServerName,
  problems: string[],
): ServerNoticesConfig | undefined {
  if (settings.serverNoticesUser === undefined) return undefined;
  const userId = userIdOf(settings.serverNoticesUser, serverName);
  if (!isUserId(userId)) problems.push(`${variableOf('serverNoticesUser')}: too long for a user id`);
  return {
    userId,
    displayName: settings.serverNoticesDisplayName,
    avatarUrl: settings.serverNoticesAvatar,
    roomName: settings.serverNoticesRoomName,
  };
}

function ownUrl({ host, clientPort }: Settings): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${clientPort}`;
}

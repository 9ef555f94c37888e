import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError, DEFAULT_IP_DENYLIST, connectedConfig, loadConfig } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'atoll-config-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const external = {
  ATOLL_DATABASE_URL: 'postgres://db',
  ATOLL_REDIS_URL: 'redis://r',
  ATOLL_SERVER_NAME: 'example.org',
};

describe('defaults', () => {
  test('of the embedded mode', () => {
    expect(loadConfig({})).toMatchObject({
      embedded: true,
      serverName: 'localhost',
      host: '127.0.0.1',
      clientPort: 8008,
      federationPort: 8448,
      metricsPort: 9100,
      dataDir: './data',
      signingKeyFile: 'data/signing.key',
      publicBaseurl: 'http://127.0.0.1:8008',
      registration: 'open',
      rateLimits: true,
      guestAccess: false,
      defaultRoomVersion: '12',
      partitions: 128,
      ipDenylist: DEFAULT_IP_DENYLIST,
      trustedKeyServers: [],
      extraCa: [],
      logLevel: 'info',
      tracing: { exportSpans: false, sampleRatio: 0.1, parentBased: true },
    });
  });

  test('open registration needs the embedded mode and loopback', () => {
    expect(loadConfig({ ATOLL_HOST: '0.0.0.0' }).registration).toBe('closed');
    expect(loadConfig({ ATOLL_HOST: '::1' })).toMatchObject({
      registration: 'open',
      publicBaseurl: 'http://[::1]:8008',
    });
    expect(loadConfig(external).registration).toBe('closed');
  });

  test('two processes have different instance ids by process, and the given one wins', () => {
    expect(loadConfig({}).instanceId).toContain(String(process.pid));
    expect(loadConfig({ ATOLL_INSTANCE_ID: 'room-state-0' }).instanceId).toBe('room-state-0');
  });
});

test('every variable of the design is known', () => {
  const cert = file('cert.pem', 'PEM');
  const env = {
    ...external,
    ATOLL_DATA_DIR: '/data',
    ATOLL_HOST: '0.0.0.0',
    ATOLL_CLIENT_PORT: '1',
    ATOLL_FEDERATION_PORT: '2',
    ATOLL_TLS_CERT: cert,
    ATOLL_TLS_KEY: cert,
    ATOLL_METRICS_PORT: '3',
    ATOLL_PUBLIC_BASEURL: 'https://matrix.example.org/',
    ATOLL_EXTRA_CA: `${cert}, ${cert}`,
    ATOLL_IP_DENYLIST: '',
    ATOLL_TRUSTED_KEY_SERVERS: 'matrix.org,example.com:8448',
    ATOLL_REGISTRATION: 'token',
    ATOLL_REGISTRATION_SHARED_SECRET: 'secret',
    ATOLL_RATE_LIMITS: 'off',
    ATOLL_GUEST_ACCESS: 'on',
    ATOLL_DEFAULT_ROOM_VERSION: '11',
    ATOLL_APPSERVICE_DIR: '/appservices',
    ATOLL_LOG_LEVEL: 'debug',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    OTEL_TRACES_SAMPLER: 'always_on',
  };
  expect(loadConfig(env)).toMatchObject({
    embedded: false,
    serverName: 'example.org',
    clientPort: 1,
    extraCa: [cert, cert],
    ipDenylist: [],
    trustedKeyServers: ['matrix.org', 'example.com:8448'],
    publicBaseurl: 'https://matrix.example.org',
    rateLimits: false,
    guestAccess: true,
    registration: 'token',
    tracing: { exportSpans: true, sampleRatio: 1, parentBased: false },
  });
});

describe('sources', () => {
  test('the environment overrides the file', () => {
    const path = file(
      'a.yaml',
      'serverName: file.example\nclientPort: 80\nrateLimits: false\ntrustedProxies: [10.0.0.0/8]\n',
    );
    const config = loadConfig({ ATOLL_CONFIG: path, ATOLL_CLIENT_PORT: '81' });
    expect(config).toMatchObject({
      serverName: 'file.example',
      clientPort: 81,
      rateLimits: false,
      trustedProxies: ['10.0.0.0/8'],
    });
  });

  test('secrets come from files too', () => {
    const path = file('url', 'postgres://from-file\n');
    expect(loadConfig({ ATOLL_DATABASE_URL_FILE: path, ATOLL_SERVER_NAME: 's' }).databaseUrl).toBe(
      'postgres://from-file',
    );
    expect(problemsOf({ ATOLL_REDIS_URL_FILE: path, ATOLL_REDIS_URL: 'x' })).toEqual([
      'ATOLL_REDIS_URL and ATOLL_REDIS_URL_FILE are both set',
    ]);
    expect(problemsOf({ ATOLL_REDIS_URL_FILE: join(folder, 'none') })).toEqual([
      expect.stringContaining('ATOLL_REDIS_URL_FILE: ENOENT'),
    ]);
  });

  test('an empty variable is one that is not set', () => {
    expect(loadConfig({ ATOLL_CLIENT_PORT: '', ATOLL_SERVER_NAME: '' })).toMatchObject({
      clientPort: 8008,
      serverName: 'localhost',
    });
  });
});

describe('problems', () => {
  test.each([
    [{ ATOLL_SERVERNAME: 'x' }, 'ATOLL_SERVERNAME: there is no such variable'],
    [
      { ATOLL_SERVER_NAME: 'not a name' },
      'ATOLL_SERVER_NAME: must be a Matrix server name: host or host:port',
    ],
    [{ ATOLL_CLIENT_PORT: '80a' }, expect.stringContaining('ATOLL_CLIENT_PORT: ')],
    [{ ATOLL_CLIENT_PORT: '65536' }, expect.stringContaining('ATOLL_CLIENT_PORT: ')],
    [{ ATOLL_RATE_LIMITS: 'maybe' }, expect.stringContaining('ATOLL_RATE_LIMITS: ')],
    [{ ATOLL_IP_DENYLIST: '10.0.0.0/33' }, 'ATOLL_IP_DENYLIST: must be an address or a CIDR range'],
    [{ ATOLL_REGISTRATION: 'maybe' }, expect.stringContaining('ATOLL_REGISTRATION: ')],
    [{ ATOLL_TLS_CERT: '/cert' }, 'ATOLL_TLS_CERT and ATOLL_TLS_KEY: give both or none'],
    [{ ATOLL_DATABASE_URL: 'postgres://x' }, 'ATOLL_SERVER_NAME: required with a database of your own'],
    [{ ATOLL_PUBLIC_BASEURL: 'matrix.org' }, expect.stringContaining('ATOLL_PUBLIC_BASEURL: ')],
    [{ OTEL_TRACES_SAMPLER_ARG: '2' }, 'OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1'],
    [{ ATOLL_CONFIG: '/no/such/file' }, expect.stringContaining('ENOENT')],
  ])('%j', (env, problem) => {
    expect(problemsOf(env)).toEqual([problem]);
  });

  test('of the file name the key', () => {
    const path = file('wrong.yaml', 'servername: a.example\nmetricsPort: many\n');
    const problems = problemsOf({ ATOLL_CONFIG: path });
    expect(problems).toEqual([
      expect.stringContaining('metricsPort: '),
      expect.stringContaining('servername'),
    ]);
  });

  test('are told all at once', () => {
    const error = new ConfigError(
      problemsOf({ ATOLL_CLIENT_PORT: 'x', ATOLL_TYPO: '1', ATOLL_TLS_KEY: 'k' }),
    );
    expect(error.message).toMatch(/has 2 problems:\n {2}- .*ATOLL_TYPO.*\n {2}- ATOLL_CLIENT_PORT/);
  });

  test('do not come from what Kubernetes adds for services called atoll-…', () => {
    const env = {
      ATOLL_MEDIA_SERVICE_HOST: '10.0.0.1',
      ATOLL_MEDIA_SERVICE_PORT_HTTP: '80',
      ATOLL_MEDIA_PORT: 'tcp://10.0.0.1:80',
      ATOLL_MEDIA_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(problemsOf(env)).toEqual([]);
  });
});

test('a service needs both servers', () => {
  expect(connectedConfig(loadConfig(external)).redisUrl).toBe('redis://r');
  expect(() => connectedConfig(loadConfig({ ATOLL_REDIS_URL: 'redis://r' }))).toThrow(
    'ATOLL_DATABASE_URL: required',
  );
});

describe('server notices', () => {
  test('have an account once it is named', () => {
    expect(loadConfig(external).serverNotices).toBeUndefined();
    const env = { ...external, ATOLL_SERVER_NOTICES_USER: 'server' };
    expect(loadConfig(env).serverNotices).toEqual({
      userId: '@server:example.org',
      displayName: 'Server Notices',
      avatarUrl: undefined,
      roomName: 'Server Notices',
    });
    expect(problemsOf({ ...env, ATOLL_SERVER_NOTICES_USER: '@server:example.org' })).toHaveLength(1);
    expect(problemsOf({ ...env, ATOLL_SERVER_NOTICES_USER: 'x'.repeat(250) })).toHaveLength(1);
    expect(problemsOf({ ...env, ATOLL_SERVER_NOTICES_AVATAR: 'https://example.org/a.png' })).toHaveLength(1);
  });
});

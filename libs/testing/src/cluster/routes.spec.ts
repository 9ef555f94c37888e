import { describe, expect, test } from '@jest/globals';
import { serviceNames } from '@atoll/contract';
import { readRoutes, serviceFor } from './routes.js';

const routes = readRoutes();

describe('the path map', () => {
  test.each([
    ['client', '/_matrix/client/versions', 'client-api'],
    ['client', '/_matrix/client/v3/sync', 'client-api'],
    ['client', '/_matrix/client/v3/rooms/!a:b/send/m.room.message/1', 'client-api'],
    ['client', '/_matrix/client/v1/media/download/b/abc', 'media'],
    ['client', '/_matrix/client/v1/mediator', 'client-api'],
    ['client', '/_matrix/media/v3/upload', 'media'],
    ['client', '/_synapse/admin/v1/register', 'client-api'],
    ['client', '/.well-known/matrix/client', 'client-api'],
    ['client', '/anything', 'client-api'],
    ['federation', '/_matrix/federation/v1/send/1', 'federation-receiver'],
    ['federation', '/_matrix/key/v2/server', 'federation-receiver'],
  ] as const)('%s %s → %s', (listener, path, service) => {
    expect(serviceFor(routes, listener, path)).toBe(service);
  });

  test('names services that exist, and ends each listener with a route for everything else', () => {
    expect(routes.filter(({ service }) => !serviceNames.includes(service))).toEqual([]);
    for (const listener of ['client', 'federation']) {
      expect(routes.findLast((route) => route.listener === listener)?.path).toBe('/');
    }
  });

  test('has no route that an earlier one hides', () => {
    const hidden = routes.filter((route, index) =>
      routes
        .slice(0, index)
        .some(
          ({ listener, path }) =>
            listener === route.listener && path.endsWith('/') && route.path.startsWith(path),
        ),
    );
    expect(hidden).toEqual([]);
  });
});

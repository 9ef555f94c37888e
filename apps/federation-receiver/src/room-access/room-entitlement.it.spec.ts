import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import { type AuthenticationDeclaration, FederationSignature } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { alice, type Asked, bob, startAsked } from '../room-reads.spec-support.js';

const NO_ROOM = 'is about no room';
const OWN_CHECK = 'is for servers that are not in the room, too, and checks what it needs itself';

/** Every other signed route is one for servers in the room. */
const EXCEPTIONS: Record<string, string> = {
  'GET v1/publicRooms': NO_ROOM,
  'POST v1/publicRooms': NO_ROOM,
  'GET v1/query/directory': NO_ROOM,
  'GET v1/query/profile': NO_ROOM,
  'GET v1/user/devices/:userId': NO_ROOM,
  'POST v1/user/keys/query': NO_ROOM,
  'POST v1/user/keys/claim': NO_ROOM,
  'GET v1/hierarchy/:roomId': OWN_CHECK,
  'GET unstable/rooms/:roomId/complexity': OWN_CHECK,
  'GET v1/make_join/:roomId/:userId': OWN_CHECK,
  'GET v1/make_leave/:roomId/:userId': OWN_CHECK,
  'GET v1/make_knock/:roomId/:userId': OWN_CHECK,
  'PUT v1/send_join/:roomId/:eventId': OWN_CHECK,
  'PUT v2/send_join/:roomId/:eventId': OWN_CHECK,
  'PUT v1/send_leave/:roomId/:eventId': OWN_CHECK,
  'PUT v2/send_leave/:roomId/:eventId': OWN_CHECK,
  'PUT v1/send_knock/:roomId/:eventId': OWN_CHECK,
  'PUT v1/invite/:roomId/:eventId': OWN_CHECK,
  'PUT v2/invite/:roomId/:eventId': OWN_CHECK,
  'PUT v1/exchange_third_party_invite/:roomId': OWN_CHECK,
  'PUT v1/send/:txnId': 'is about many rooms: each event is checked for its own',
};

const AUTHENTICATION = FederationSignature().KEY;

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
}

function isSigned(controller: object, handler: object): boolean {
  const [own, shared] = [handler, controller].map(
    (target) => Reflect.getMetadata(AUTHENTICATION, target) as AuthenticationDeclaration | undefined,
  );
  return (own ?? shared)?.scheme === 'federationSignature';
}

/** The path without `/_matrix/federation/`. */
function routeOf(controller: object, handler: object): Route {
  const [prefix, suffix] = [controller, handler].map((target) =>
    String(Reflect.getMetadata(PATH_METADATA, target)),
  );
  const path = `${prefix}/${suffix}`.replace(/^\/?_matrix\/federation\//, '').replace(/\/+$/, '');
  return { method: RequestMethod[Number(Reflect.getMetadata(METHOD_METADATA, handler))] as never, path };
}

describe('RoomEntitlement', () => {
  const roomId = '!room:hs1' as RoomId;
  let asked: Asked;
  let room: RoomRows;
  let message: PlacedRow;
  let routes: Route[];

  beforeAll(async () => {
    asked = await startAsked();
    room = await RoomRows.create(asked.database, { roomId });
    await room.state('m.room.create', alice, {});
    await room.member(alice, 'join');
    await room.member(bob, 'join');
    message = await room.message(bob, 'hello');
    routes = roomRoutes();
  });
  afterAll(() => asked.close());

  /** Every route that other servers sign and that is no exception, from what the application has registered. */
  function roomRoutes(): Route[] {
    const scanner = asked.app.get(MetadataScanner);
    const controllers = asked.app.get(DiscoveryService, { strict: false }).getControllers();
    return controllers.flatMap(({ metatype }) => {
      if (typeof metatype !== 'function') return [];
      const prototype = metatype.prototype as Record<string, object>;
      const handlers = scanner.getAllMethodNames(prototype).map((name) => prototype[name] as object);
      return handlers
        .filter((handler) => Reflect.hasMetadata(METHOD_METADATA, handler) && isSigned(metatype, handler))
        .map((handler) => routeOf(metatype, handler))
        .filter(({ method, path }) => EXCEPTIONS[`${method} ${path}`] === undefined);
    });
  }

  /** Asks a route about the room and its message, with all that any of them wants to know. */
  function askRoute(origin: 'hs2' | 'hs3', { method, path }: Route) {
    const filled = path
      .replace(':roomId', encodeURIComponent(roomId))
      .replace(':eventId', encodeURIComponent(message.eventId));
    const query = new URLSearchParams({
      ...{ event_id: message.eventId, v: message.eventId },
      ...{ limit: '5', ts: '1', dir: 'f' },
    });
    const body: JsonObject = { earliest_events: [], latest_events: [message.eventId] };
    const uri = `/_matrix/federation/${filled}?${query.toString()}`;
    return asked.ask(origin, method, uri, method === 'GET' ? undefined : body);
  }

  /** The answers that are not the expected one, by route. */
  async function others(origin: 'hs2' | 'hs3', expected: { status: number; errcode?: string }) {
    const answers = await Promise.all(
      routes.map(async (route) => {
        const { status, body } = await askRoute(origin, route);
        return { route, status, errcode: (body as JsonObject)['errcode'] };
      }),
    );
    return answers.filter(
      ({ status, errcode }) => status !== expected.status || errcode !== expected.errcode,
    );
  }

  const forbidden = { status: 403, errcode: 'M_FORBIDDEN' };

  it('is asked by every route about rooms: a server that is not in the room gets 403', async () => {
    expect(routes.length).toBeGreaterThanOrEqual(7);
    expect(await others('hs2', { status: 200 })).toEqual([]);
    expect(await others('hs3', forbidden)).toEqual([]);
  });

  it('does not tell whether a room exists', async () => {
    const uri = `/_matrix/federation/v1/state_ids/!unknown:hs1?event_id=$x`;
    expect(await asked.ask('hs2', 'GET', uri)).toMatchObject({
      ...{ status: 403, body: { errcode: 'M_FORBIDDEN' } },
    });
  });

  it('refuses a server that the access control list shuts out, though it is in the room', async () => {
    await room.state('m.room.server_acl', alice, { allow: ['*'], deny: ['hs2'] });
    expect(await others('hs2', forbidden)).toEqual([]);
    await room.state('m.room.server_acl', alice, { allow: ['*'] });
    expect(await others('hs2', { status: 200 })).toEqual([]);
  });

  it('gives nothing of a room that this server has left, nor to a server that has', async () => {
    await room.member(alice, 'leave');
    expect(await others('hs2', { status: 404, errcode: 'M_NOT_FOUND' })).toEqual([]);
    await room.member(bob, 'leave');
    expect(await others('hs2', forbidden)).toEqual([]);
  });
});

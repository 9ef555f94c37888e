import { expect, it } from '@jest/globals';
import type { AuthenticationDeclaration } from '@atoll/http';
import { RequestMethod, type Type } from '@nestjs/common';
import { MODULE_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { MetadataScanner } from '@nestjs/core';
import { ClientApiModule } from '../client-api.module.js';

/**
 * What guests may do, and with a token only. Beside what the specification lists, the endpoints of delayed events, which MSC4140 says are
 * for guests as well.
 * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
 */
const FOR_GUESTS = [
  'DELETE unstable/uk.tcpip.msc4133/profile/:userId/:keyName',
  'DELETE v3/profile/:userId/:keyName',
  'GET v3/account/whoami',
  'GET v3/devices',
  'GET v3/devices/:deviceId',
  'GET v3/events',
  'GET v3/rooms/:roomId/context/:eventId',
  'GET v3/rooms/:roomId/event/:eventId',
  'GET v3/rooms/:roomId/initialSync',
  'GET v3/rooms/:roomId/members',
  'GET v3/rooms/:roomId/messages',
  'GET v3/rooms/:roomId/state',
  'GET v3/rooms/:roomId/state/:eventType',
  'GET v3/rooms/:roomId/state/:eventType/:stateKey',
  'GET v3/sync',
  'POST v3/keys/claim',
  'POST v3/keys/query',
  'POST v3/keys/upload',
  'POST v3/rooms/:roomId/join',
  'POST v3/rooms/:roomId/leave',
  'PUT unstable/uk.tcpip.msc4133/profile/:userId/:keyName',
  'PUT v3/devices/:deviceId',
  'PUT v3/profile/:userId/:keyName',
  'PUT v3/rooms/:roomId/send/:eventType/:txnId',
  'PUT v3/rooms/:roomId/state/:eventType',
  'PUT v3/rooms/:roomId/state/:eventType/:stateKey',
  'PUT v3/sendToDevice/:eventType/:txnId',
];

const declarationOf = (...targets: object[]) =>
  targets
    .map(
      (target) =>
        Reflect.getMetadata('atoll:authentication', target) as AuthenticationDeclaration | undefined,
    )
    .find((declaration) => declaration !== undefined);
const pathsOf = (target: object) =>
  [Reflect.getMetadata(PATH_METADATA, target) as string | string[]]
    .flat()
    .map((path) => path.replace(/^\/|\/$/g, ''));
const listOf = (key: string, module: Type) => (Reflect.getMetadata(key, module) ?? []) as Type[];

function modulesIn(module: Type, found = new Set<Type>()): Set<Type> {
  if (found.has(module)) return found;
  found.add(module);
  for (const imported of listOf(MODULE_METADATA.IMPORTS, module)) modulesIn(imported, found);
  return found;
}

function guestRoutesOf(controller: Type): string[] {
  const prototype = controller.prototype as Record<string, object>;
  const methods = new MetadataScanner().getAllMethodNames(prototype).map((name) => prototype[name] as object);
  return methods
    .filter((method) => Reflect.hasMetadata(PATH_METADATA, method))
    .filter((method) => {
      const declaration = declarationOf(method, controller);
      return declaration?.scheme === 'accessToken' && !declaration.optional && declaration.allowGuest;
    })
    .flatMap((method) => {
      const verb = RequestMethod[Reflect.getMetadata(METHOD_METADATA, method) as RequestMethod];
      return pathsOf(controller).flatMap((prefix) =>
        pathsOf(method).map((path) => `${verb} ${[prefix, path].filter(Boolean).join('/')}`),
      );
    });
}

it('guests may do what is listed, and nothing else', () => {
  const routes = [...modulesIn(ClientApiModule)]
    .flatMap((module) => listOf(MODULE_METADATA.CONTROLLERS, module))
    .flatMap(guestRoutesOf)
    .map((route) => route.replace('_matrix/client/', ''));
  const delayed = routes.filter((route) => /delayed_events?\b/.test(route));
  expect(delayed.length).toBeGreaterThan(0);
  expect([...new Set(routes)].filter((route) => !delayed.includes(route)).sort()).toEqual(FOR_GUESTS.sort());
});

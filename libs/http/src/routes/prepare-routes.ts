import { RequestMethod } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import type { INestApplicationContext } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { RouteConfig } from '@nestjs/platform-fastify';
import { AUTHENTICATION_METADATA } from '../authentication/declare-authentication.js';
import { ROUTE_SETTINGS_METADATA } from './route-settings.js';

type Method = (...args: unknown[]) => unknown;

/**
 * Gives each controller method, before Nest registers its routes, what Fastify's hooks read from the route: the declared
 * authentication and settings. Also answers POST with 200, where Nest would say 201 unless told otherwise.
 */
export function prepareRoutes(app: INestApplicationContext): void {
  const scanner = app.get(MetadataScanner);
  for (const { metatype } of app.get(DiscoveryService).getControllers()) {
    if (typeof metatype !== 'function') continue;
    const prototype = metatype.prototype as Record<string, Method>;
    for (const name of scanner.getAllMethodNames(prototype)) {
      const method = prototype[name];
      if (method === undefined || !Reflect.hasMetadata(PATH_METADATA, method)) continue;
      const authentication: unknown =
        Reflect.getMetadata(AUTHENTICATION_METADATA, method) ??
        Reflect.getMetadata(AUTHENTICATION_METADATA, metatype);
      const settings = Reflect.getMetadata(ROUTE_SETTINGS_METADATA, method) as object | undefined;
      RouteConfig({ ...settings, ...(authentication !== undefined && { authentication }) })(method);
      const isPost = Reflect.getMetadata(METHOD_METADATA, method) === RequestMethod.POST;
      if (isPost && !Reflect.hasMetadata(HTTP_CODE_METADATA, method))
        Reflect.defineMetadata(HTTP_CODE_METADATA, 200, method);
    }
  }
}

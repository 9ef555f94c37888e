import './request-augmentation.js';
import { NestPinoLogger } from '@atoll/telemetry';
import type { Logger } from '@atoll/telemetry';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { addAuthentication } from './authentication/authentication-hooks.js';
import type { AuthenticationScheme, Authenticator } from './authentication/authenticator.js';
import { collectAuthenticators } from './authentication/collect-authenticators.js';
import { addBodyParser } from './body/body-parser.js';
import { SchemaPipe } from './body/schema.pipe.js';
import { MatrixExceptionFilter } from './errors/matrix-exception.filter.js';
import { addAdmissionHooks } from './hooks/admission.js';
import { addAnswerHeadersHook } from './hooks/answer-headers.js';
import { addCorsHook } from './hooks/cors.js';
import { Draining } from './hooks/draining.js';
import { addTelemetryHooks } from './hooks/request-telemetry.js';
import { addStreamFailureHook } from './hooks/stream-failures.js';
import { createAdapter } from './create-adapter.js';
import type { ListenerOptions } from './create-adapter.js';
import { MatrixHttpModule } from './matrix-http.module.js';
import { assertEveryRouteDeclaresAuthentication } from './routes/assert-authentication.js';
import { prepareRoutes } from './routes/prepare-routes.js';
import { RouteTable } from './routes/route-table.js';

export interface MatrixAppOptions extends ListenerOptions {
  /** Names the listener in metrics, such as `client` or `federation`. */
  readonly listener: string;
  readonly logger: Logger;
  /** Requests in flight, long polls not counted, past which callers get 503. */
  readonly maxInFlight?: number;
  /** Whether callers continue their trace, and so decide what is sampled. */
  readonly acceptTraceContext?: boolean;
}

/**
 * A Nest application that speaks HTTP as Matrix demands it: bodies, errors, paths, CORS, authentication, telemetry. It is
 * initialised, but does not listen yet. Several may live in one process.
 * @throws {Error} when a route declares no authentication
 */
export async function createMatrixApp(
  rootModule: Type | DynamicModule,
  options: MatrixAppOptions,
): Promise<NestFastifyApplication> {
  const draining = new Draining();
  const { adapter, routerOptions } = createAdapter(options);
  const routes = new RouteTable(routerOptions);
  const authenticators = new Map<AuthenticationScheme, Authenticator>();
  const instance = adapter.getInstance();
  instance.decorateRequest('requester', undefined);
  addTelemetryHooks(instance, options.acceptTraceContext ?? false);
  addAnswerHeadersHook(instance, draining);
  addStreamFailureHook(instance, options.logger);
  if (options.cors ?? true) addCorsHook(instance);
  addAdmissionHooks(instance, options.listener, options.maxInFlight ?? 1000);
  routes.addTo(instance);
  addAuthentication(instance, authenticators);
  addBodyParser(instance);

  const nestOptions = { bodyParser: false, abortOnError: false, logger: new NestPinoLogger(options.logger) };
  const wrapped = MatrixHttpModule.around(rootModule, draining);
  const app = await NestFactory.create<NestFastifyApplication>(wrapped, adapter, nestOptions);
  app.useGlobalPipes(new SchemaPipe());
  app.useGlobalFilters(new MatrixExceptionFilter(options.logger));
  prepareRoutes(app);
  collectAuthenticators(app, authenticators);
  await app.init();
  try {
    assertEveryRouteDeclaresAuthentication(routes.routes, authenticators);
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

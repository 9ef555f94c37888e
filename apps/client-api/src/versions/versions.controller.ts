import { Public } from '@atoll/http';
import { Controller, Get } from '@nestjs/common';

/**
 * A client takes a version as the promise of everything in it, so a version is listed only where a client needs it for
 * something that is served, and does not call what is missing because of it.
 * - v1.1: the `/v3` paths. Every client asks for at least this.
 * - v1.2: registration tokens, `is_guest` of whoami, knocking.
 *
 * Not yet: v1.3 (clients take it for `/relations` and server-side threads), v1.4 (per-thread counts, deleting push
 * rules), v1.5 and up, each of which includes these. Refresh tokens (v1.3) and profile fields (v1.16) are served all the
 * same; clients find them by the answers of login and capabilities.
 */
const VERSIONS = ['v1.1', 'v1.2'];

/** Only what is really served and not in a listed version. */
const UNSTABLE_FEATURES = {
  // `state_after` in sync
  'org.matrix.msc4222': true,
};

@Controller('/_matrix/client/versions')
@Public()
export class VersionsController {
  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions */
  @Get()
  getVersions() {
    return { versions: VERSIONS, unstable_features: UNSTABLE_FEATURES };
  }
}

import { Public } from '@atoll/http';
import { Controller, Get } from '@nestjs/common';

/**
 * Clients ask whether a version stands here before they use what came with it. Atoll does not yet serve any version whole
 * (see the README's status table), so a version is listed only where clients would otherwise not use what is served.
 * - v1.1: the `/v3` paths; every client asks for at least this.
 * - v1.2: registration tokens, `is_guest` of whoami, knocking.
 * - v1.11: authenticated media; without it clients ask for media by the older paths, which are frozen here.
 *
 * Left out, because clients would rely on what is missing: v1.3 (relations, threads by the server), v1.4 (counts per
 * thread), v1.7, v1.10 (recursive relations), and those that nobody asks for by name.
 */
const VERSIONS = ['v1.1', 'v1.2', 'v1.11'];

/** What is served of versions that are not listed, by the names that clients look for. */
const UNSTABLE_FEATURES = {
  // `state_after` in sync (v1.16)
  'org.matrix.msc4222': true,
  // any field in profiles, by the stable paths (v1.16)
  'uk.tcpip.msc4133.stable': true,
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

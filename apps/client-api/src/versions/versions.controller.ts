import type { Config } from '@atoll/config';
import { Public } from '@atoll/http';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';

/**
 * Clients ask whether a version stands here before they use what came with it. Atoll does not yet serve any version whole
 * (see the README's status table), so a version is listed only where clients would otherwise not use what is served.
 * - v1.1: the `/v3` paths; every client asks for at least this.
 * - v1.2: registration tokens, `is_guest` of whoami, knocking.
 * - v1.3: relationships between events, and threads.
 * - v1.10: children of children in one answer.
 * - v1.11: authenticated media; without it clients ask for media by the older paths, which are frozen here.
 *
 * Left out, because clients would rely on what is missing: v1.4 (counts per thread), v1.7, and those that nobody asks
 * for by name.
 */
const VERSIONS = ['v1.1', 'v1.2', 'v1.3', 'v1.10', 'v1.11'];

/** What is served of versions that are not listed, by the names that clients look for. */
const UNSTABLE_FEATURES = {
  // threads, their list, and paging forwards through the children of an event (v1.4)
  'org.matrix.msc3440.stable': true,
  'org.matrix.msc3856.stable': true,
  'org.matrix.msc3715.stable': true,
  // summaries of rooms, by the stable path (v1.15)
  'org.matrix.msc3266': true,
  // simplified sliding sync (MSC4186)
  'org.matrix.simplified_msc3575': true,
  // `state_after` in sync (v1.16)
  'org.matrix.msc4222': true,
  // blocking of all invites (v1.18), and filters for them
  'org.matrix.msc4380.stable': true,
  'org.matrix.msc4155': true,
  // delayed events, by the paths of the proposal's drafts and by those that it came to
  'org.matrix.msc4140': true,
  'org.matrix.msc4140.stable': true,
  // where calls are carried
  'org.matrix.msc4143': true,
  // dehydrated devices, and where devices meet before a login by QR code
  'org.matrix.msc3814': true,
  'io.element.msc4388': true,
  // any field in profiles, by the stable paths (v1.16)
  'uk.tcpip.msc4133.stable': true,
};

@Controller('/_matrix/client/versions')
@Public()
export class VersionsController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions */
  @Get()
  getVersions() {
    // Subscriptions to threads: without their push rules they would be half of the proposal.
    const subscriptions = this.config.threadSubscriptionRules && { 'org.matrix.msc4306': true };
    return { versions: VERSIONS, unstable_features: { ...UNSTABLE_FEATURES, ...subscriptions } };
  }
}

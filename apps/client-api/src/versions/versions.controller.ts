import type { Config } from '@atoll/config';
import { Public } from '@atoll/http';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';

/**
 * A version is announced where clients that ask for it find what they infer from it. Some ask for one by name (matrix-js-sdk), others take
 * every path that came with a version up to the highest one here (ruma).
 * - v1.1: the `/v3` paths, cross-signing. v1.2: spaces, knocking, registration tokens. v1.3: relations, threads, refreshing of tokens.
 * - v1.4: counts and receipts by thread, private receipts, the list of threads, edits. v1.5: references. v1.6: jumping to a date.
 * - v1.8 and v1.9: reports by members only; no pushes for edits. v1.10: children of children in one answer.
 * - v1.11: authenticated media. Its thumbnails and previews are missing, yet without it clients ask by the older paths, which are frozen here.
 * - v1.12: `via` of joins and knocks. v1.13 and v1.14: reports of rooms and of users.
 *
 * Left out, with what they wait for; what is served of them has a name below:
 * - v1.7: uploads in two steps (media), tokens for a login elsewhere (OAuth), pings of application services.
 * - v1.15 to v1.19: OAuth, of v1.18 also the locking and suspending of accounts (admin API).
 */
const VERSIONS = [
  ...['v1.1', 'v1.2', 'v1.3', 'v1.4', 'v1.5', 'v1.6'],
  ...['v1.8', 'v1.9', 'v1.10', 'v1.11', 'v1.12', 'v1.13', 'v1.14'],
];

/**
 * What is served by names that clients look for: of versions that are not listed, of none, and what some clients ask for by an old name although
 * its version is listed. `org.matrix.msc3773` is left out, whose name within filters is another than that of v1.4.
 */
const UNSTABLE_FEATURES = {
  // cross-signing (v1.1): without it Element Web sets up no encryption
  'org.matrix.e2e_cross_signing': true,
  // threads, their list, and paging forwards through the children of an event (v1.4)
  'org.matrix.msc3440.stable': true,
  'org.matrix.msc3856.stable': true,
  'org.matrix.msc3715.stable': true,
  // private receipts, and spaces in the directory (v1.4); jumping to a date (v1.6)
  'org.matrix.msc2285.stable': true,
  'org.matrix.msc3827.stable': true,
  'org.matrix.msc3030.stable': true,
  // mentions as their senders mean them (v1.7)
  'org.matrix.msc3952_intentional_mentions': true,
  // reports of rooms (v1.13) and of users (v1.14), also by the paths of their proposals
  'org.matrix.msc4151': true,
  'org.matrix.msc4260': true,
  // summaries of rooms (v1.15)
  'org.matrix.msc3266': true,
  // simplified sliding sync (MSC4186)
  'org.matrix.simplified_msc3575': true,
  // `state_after` in sync (v1.16)
  'org.matrix.msc4222': true,
  // blocking of all invites (v1.18), and filters for them
  'org.matrix.msc4380.stable': true,
  'org.matrix.msc4155': true,
  // rooms that two users share (v1.19)
  'uk.half-shot.msc2666.query_mutual_rooms': true,
  'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
  // deletion of account data
  'org.matrix.msc3391': true,
  // delayed events, by the paths of the proposal's drafts and by those that it came to
  'org.matrix.msc4140': true,
  'org.matrix.msc4140.stable': true,
  // where calls are carried
  'org.matrix.msc4143': true,
  // dehydrated devices, and where devices meet before a login by QR code
  'org.matrix.msc3814': true,
  'io.element.msc4388': true,
  // any field in profiles (v1.16)
  'uk.tcpip.msc4133': true,
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

import type { JsonValue, ServerName } from '@atoll/matrix';
import { authoriserSignature, type RuleOf, until } from './rule-number.spec-support.js';

/** A member event of `@a:alpha.org` with an authoriser, signed by alpha.org and by others. */
export interface SignatureCase {
  readonly rule: RuleOf;
  readonly what: string;
  readonly authoriser: JsonValue;
  readonly membership?: string;
  /** Servers that sign as well, all of them with the key of beta.org. */
  readonly signers?: readonly string[];
  /** The server whose signature is missing or wrong. */
  readonly problem?: { readonly server: string; readonly reason: string };
}

export const ALPHA = 'alpha.org' as ServerName;
export const BETA = 'beta.org' as ServerName;
const AUTHORISER = `@b:${BETA}`;
const missing = (server: string) => ({ server, reason: 'missing' });

/** The rule about `join_authorised_via_users_server` and signatures, which `verifyEventSignatures` answers. */
export const rejectedSignatures: readonly SignatureCase[] = [
  ...['join', 'invite', 'leave', 'ban', 'knock'].map((membership) => ({
    rule: authoriserSignature,
    what: `${membership} without the authoriser’s signature`,
    authoriser: AUTHORISER,
    membership,
    problem: missing(BETA),
  })),
  {
    rule: authoriserSignature,
    what: 'a signature of a third server',
    authoriser: AUTHORISER,
    signers: ['gamma.org'],
    problem: missing(BETA),
  },
  {
    rule: authoriserSignature,
    what: 'a signature by a key that the authoriser’s server does not have',
    authoriser: '@c:gamma.org',
    signers: ['gamma.org'],
    problem: { server: 'gamma.org', reason: 'invalid' },
  },
  ...[7, null, {}, ''].map((authoriser) => ({
    rule: authoriserSignature,
    what: `the authoriser ${JSON.stringify(authoriser)}`,
    authoriser,
    signers: [BETA],
    problem: missing(''),
  })),
];

/** These pass; they are named by the rule that they come close to. */
export const acceptedSignatures: readonly SignatureCase[] = [
  {
    rule: authoriserSignature,
    what: 'the authoriser’s signature',
    authoriser: AUTHORISER,
    signers: [BETA],
  },
  { rule: authoriserSignature, what: 'an authoriser on the sender’s server', authoriser: `@b:${ALPHA}` },
  { rule: until(7, 'before'), what: 'no rule about an authoriser', authoriser: AUTHORISER },
];

import type { Rejection } from './rejection.js';

/** Every authorisation rule that can reject, by a name that means the same in all room versions. */
const REASONS = {
  createHasPrevEvents: 'the create event has previous events',
  createRoomIdForeign: 'the room id is not of the domain of the creating sender',
  createHasRoomId: 'the create event has a room id',
  createUnknownRoomVersion: 'the room version is not a recognised one',
  createWithoutCreator: 'the create event names no creator',
  createBadAdditionalCreators: 'additional_creators is not a list of user ids',
  noCreateEvent: 'there is no accepted create event of this room',
  duplicateAuthEvent: 'two auth events have the same type and state key',
  unexpectedAuthEvent: 'an auth event is not among those that the selection allows',
  rejectedAuthEvent: 'an auth event was rejected itself',
  foreignAuthEvent: 'an auth event belongs to another room',
  notFederated: 'the room is not federated and the sender is on another server than the creator',
  memberMalformed: 'a member event needs a state key and a membership',
  joinForOther: 'nobody joins for somebody else',
  joinBanned: 'the user is banned',
  joinUnauthorised: 'no joined user who may invite has authorised this restricted join',
  joinNotAllowed: 'the join rule does not let the user in',
  thirdPartyInviteTargetBanned: 'the invited user is banned',
  thirdPartyInviteUnsigned: 'the third-party invite has no signed part',
  thirdPartyInviteIncomplete: 'the signed part lacks mxid or token',
  thirdPartyInviteForOther: 'the signed part names another user',
  thirdPartyInviteUnknownToken: 'no third-party invite with this token is in the state',
  thirdPartyInviteOtherSender: 'the third-party invite was sent by somebody else',
  thirdPartyInviteBadSignature: 'no signature fits a public key of the third-party invite',
  inviteSenderNotJoined: 'the inviting user is not in the room',
  inviteTargetPresent: 'the invited user is in the room or banned',
  inviteLevel: 'the sender has not the power level to invite',
  leaveNotPresent: 'the user is neither joined, invited nor knocking',
  leaveSenderNotJoined: 'the sender of the kick is not in the room',
  unbanLevel: 'the sender has not the power level to unban',
  kickLevel: 'the sender has not the power level to kick this user',
  banSenderNotJoined: 'the sender of the ban is not in the room',
  banLevel: 'the sender has not the power level to ban this user',
  knockNotAllowed: 'the join rule does not allow knocking',
  knockForOther: 'nobody knocks for somebody else',
  knockPresent: 'the user is joined, invited or banned',
  membershipUnknown: 'the membership is unknown',
  senderNotJoined: 'the sender is not in the room',
  thirdPartyInviteLevel: 'the sender has not the power level to invite third parties',
  sendLevel: 'the sender has not the power level to send events of this type',
  stateKeyOfOther: 'the state key names another user',
  powerLevelNotInteger: 'a power level is not an integer',
  powerLevelMapMalformed: 'events or notifications is not a map of integers',
  powerLevelUsersMalformed: 'users is not a map from user ids to integers',
  powerLevelNamesCreator: 'users names a creator of the room',
  levelAboveOwn: 'a level above that of the sender is changed',
  newLevelAboveOwn: 'a level is raised above that of the sender',
  entryAboveOwn: 'an events or notifications entry above the level of the sender is changed',
  newEntryAboveOwn: 'an events or notifications entry is raised above the level of the sender',
  userNotBelowOwn: 'the level of a user who is not below the sender is changed',
  newUserAboveOwn: 'a user is raised above the level of the sender',
} as const;

export type AuthRuleName = keyof typeof REASONS;

/** Rules that only some room versions have: a version has such a rule when its table numbers it. */
type OptionalRule =
  | 'createRoomIdForeign'
  | 'createHasRoomId'
  | 'createWithoutCreator'
  | 'createBadAdditionalCreators'
  | 'joinUnauthorised'
  | 'knockNotAllowed'
  | 'knockForOther'
  | 'knockPresent'
  | 'powerLevelNotInteger'
  | 'powerLevelMapMalformed'
  | 'powerLevelNamesCreator';

type ByRule<Value> = { readonly [Name in Exclude<AuthRuleName, OptionalRule>]: Value } & {
  readonly [Name in OptionalRule]?: Value;
};

/** The number that each rule bears on the page of one room version. */
export type AuthRuleNumbers = ByRule<string>;

/** The answer that each rule of one room version gives when it rejects. */
export type AuthRules = ByRule<Rejection>;

/** Turns a version's table of numbers into the answers of its rules, made once so that rejecting allocates nothing. */
export function authRules(numbers: AuthRuleNumbers): AuthRules {
  const answers = Object.entries(numbers).map(([name, rule]) => [
    name,
    Object.freeze({ rule, reason: REASONS[name as AuthRuleName] }),
  ]);
  return Object.freeze(Object.fromEntries(answers)) as AuthRules;
}

import { AUTH_RULE_NUMBERS, COLUMN_OF_VERSION } from './auth-rule-numbers.js';
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
  aliasesWithoutStateKey: 'an aliases event needs a state key',
  aliasesOfOtherServer: 'the state key of an aliases event is not the server of its sender',
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
  redactionNotAllowed: 'the sender has not the power level to redact an event of another server',
} as const;

export type AuthRuleName = keyof typeof REASONS;

/** Rules that only some room versions have: a version has such a rule when the table of numbers gives it one. */
type OptionalRule =
  | 'createRoomIdForeign'
  | 'createHasRoomId'
  | 'createWithoutCreator'
  | 'createBadAdditionalCreators'
  | 'aliasesWithoutStateKey'
  | 'aliasesOfOtherServer'
  | 'joinUnauthorised'
  | 'knockNotAllowed'
  | 'knockForOther'
  | 'knockPresent'
  | 'powerLevelNamesCreator'
  | 'redactionNotAllowed';

/** The answer that each rule of one room version gives when it rejects. */
export type AuthRules = { readonly [Name in Exclude<AuthRuleName, OptionalRule>]: Rejection } & {
  readonly [Name in OptionalRule]?: Rejection;
};

/** The rules that a version has, each with its answer, made once so that rejecting allocates nothing. */
export function authRulesOf(version: keyof typeof COLUMN_OF_VERSION): AuthRules {
  const column = COLUMN_OF_VERSION[version];
  const answers = Object.entries(AUTH_RULE_NUMBERS)
    .map(([name, numbers]) => [name as AuthRuleName, numbers[column]] as const)
    .filter(([, rule]) => rule !== '-')
    .map(([name, rule]) => [name, Object.freeze({ rule, reason: REASONS[name] })]);
  return Object.freeze(Object.fromEntries(answers)) as AuthRules;
}

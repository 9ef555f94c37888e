import type { AuthRuleName } from './auth-rules.js';

type Row = readonly [
  in1: string,
  in3: string,
  in6: string,
  in7: string,
  in8: string,
  in10: string,
  in11: string,
  in12: string,
];

/** The column of {@link AUTH_RULE_NUMBERS} that has a version's numbers; versions with the same rules share one. */
export const COLUMN_OF_VERSION = {
  ...{ '1': 0, '2': 0, '3': 1, '4': 1, '5': 1, '6': 2 },
  ...{ '7': 3, '8': 4, '9': 4, '10': 5, '11': 6, '12': 7 },
} as const;

/**
 * The number that each rule bears on the page of its room version, `-` where the version has no such rule. As the pages show
 * them: the source of version 12 writes 3.5 for what is shown as 3.4. Two rules stand on the pages of versions 1 to 9
 * only under "Event format", as the forms in which a power level may be written; they bear the number of the whole rule here.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
// prettier-ignore
export const AUTH_RULE_NUMBERS: { readonly [Name in AuthRuleName]: Row } = {
  //                               1, 2       3, 4, 5    6          7          8, 9       10         11         12
  createHasPrevEvents:          ['1.1',     '1.1',     '1.1',     '1.1',     '1.1',     '1.1',     '1.1',     '1.1'],
  createRoomIdForeign:          ['1.2',     '1.2',     '1.2',     '1.2',     '1.2',     '1.2',     '1.2',     '-'],
  createHasRoomId:              ['-',       '-',       '-',       '-',       '-',       '-',       '-',       '1.2'],
  createUnknownRoomVersion:     ['1.3',     '1.3',     '1.3',     '1.3',     '1.3',     '1.3',     '1.3',     '1.3'],
  createWithoutCreator:         ['1.4',     '1.4',     '1.4',     '1.4',     '1.4',     '1.4',     '-',       '-'],
  createBadAdditionalCreators:  ['-',       '-',       '-',       '-',       '-',       '-',       '-',       '1.4'],

  duplicateAuthEvent:           ['2.1',     '2.1',     '2.1',     '2.1',     '2.1',     '2.1',     '2.1',     '3.1'],
  unexpectedAuthEvent:          ['2.2',     '2.2',     '2.2',     '2.2',     '2.2',     '2.2',     '2.2',     '3.2'],
  rejectedAuthEvent:            ['2.3',     '2.3',     '2.3',     '2.3',     '2.3',     '2.3',     '2.3',     '3.3'],
  noCreateEvent:                ['2.4',     '2.4',     '2.4',     '2.4',     '2.4',     '2.4',     '2.4',     '2'],
  foreignAuthEvent:             ['2.5',     '2.5',     '2.5',     '2.5',     '2.5',     '2.5',     '2.5',     '3.4'],

  notFederated:                 ['3',       '3',       '3',       '3',       '3',       '3',       '3',       '4'],
  aliasesWithoutStateKey:       ['4.1',     '4.1',     '-',       '-',       '-',       '-',       '-',       '-'],
  aliasesOfOtherServer:         ['4.2',     '4.2',     '-',       '-',       '-',       '-',       '-',       '-'],

  memberMalformed:              ['5.1',     '5.1',     '4.1',     '4.1',     '4.1',     '4.1',     '4.1',     '5.1'],
  joinForOther:                 ['5.2.2',   '5.2.2',   '4.2.2',   '4.2.2',   '4.3.2',   '4.3.2',   '4.3.2',   '5.3.2'],
  joinBanned:                   ['5.2.3',   '5.2.3',   '4.2.3',   '4.2.3',   '4.3.3',   '4.3.3',   '4.3.3',   '5.3.3'],
  joinUnauthorised:             ['-',       '-',       '-',       '-',       '4.3.5.2', '4.3.5.2', '4.3.5.2', '5.3.5.2'],
  joinNotAllowed:               ['5.2.6',   '5.2.6',   '4.2.6',   '4.2.6',   '4.3.7',   '4.3.7',   '4.3.7',   '5.3.7'],
  thirdPartyInviteTargetBanned: ['5.3.1.1', '5.3.1.1', '4.3.1.1', '4.3.1.1', '4.4.1.1', '4.4.1.1', '4.4.1.1', '5.4.1.1'],
  thirdPartyInviteUnsigned:     ['5.3.1.2', '5.3.1.2', '4.3.1.2', '4.3.1.2', '4.4.1.2', '4.4.1.2', '4.4.1.2', '5.4.1.2'],
  thirdPartyInviteIncomplete:   ['5.3.1.3', '5.3.1.3', '4.3.1.3', '4.3.1.3', '4.4.1.3', '4.4.1.3', '4.4.1.3', '5.4.1.3'],
  thirdPartyInviteForOther:     ['5.3.1.4', '5.3.1.4', '4.3.1.4', '4.3.1.4', '4.4.1.4', '4.4.1.4', '4.4.1.4', '5.4.1.4'],
  thirdPartyInviteUnknownToken: ['5.3.1.5', '5.3.1.5', '4.3.1.5', '4.3.1.5', '4.4.1.5', '4.4.1.5', '4.4.1.5', '5.4.1.5'],
  thirdPartyInviteOtherSender:  ['5.3.1.6', '5.3.1.6', '4.3.1.6', '4.3.1.6', '4.4.1.6', '4.4.1.6', '4.4.1.6', '5.4.1.6'],
  thirdPartyInviteBadSignature: ['5.3.1.8', '5.3.1.8', '4.3.1.8', '4.3.1.8', '4.4.1.8', '4.4.1.8', '4.4.1.8', '5.4.1.8'],
  inviteSenderNotJoined:        ['5.3.2',   '5.3.2',   '4.3.2',   '4.3.2',   '4.4.2',   '4.4.2',   '4.4.2',   '5.4.2'],
  inviteTargetPresent:          ['5.3.3',   '5.3.3',   '4.3.3',   '4.3.3',   '4.4.3',   '4.4.3',   '4.4.3',   '5.4.3'],
  inviteLevel:                  ['5.3.5',   '5.3.5',   '4.3.5',   '4.3.5',   '4.4.5',   '4.4.5',   '4.4.5',   '5.4.5'],
  leaveNotPresent:              ['5.4.1',   '5.4.1',   '4.4.1',   '4.4.1',   '4.5.1',   '4.5.1',   '4.5.1',   '5.5.1'],
  leaveSenderNotJoined:         ['5.4.2',   '5.4.2',   '4.4.2',   '4.4.2',   '4.5.2',   '4.5.2',   '4.5.2',   '5.5.2'],
  unbanLevel:                   ['5.4.3',   '5.4.3',   '4.4.3',   '4.4.3',   '4.5.3',   '4.5.3',   '4.5.3',   '5.5.3'],
  kickLevel:                    ['5.4.5',   '5.4.5',   '4.4.5',   '4.4.5',   '4.5.5',   '4.5.5',   '4.5.5',   '5.5.5'],
  banSenderNotJoined:           ['5.5.1',   '5.5.1',   '4.5.1',   '4.5.1',   '4.6.1',   '4.6.1',   '4.6.1',   '5.6.1'],
  banLevel:                     ['5.5.3',   '5.5.3',   '4.5.3',   '4.5.3',   '4.6.3',   '4.6.3',   '4.6.3',   '5.6.3'],
  knockNotAllowed:              ['-',       '-',       '-',       '4.6.1',   '4.7.1',   '4.7.1',   '4.7.1',   '5.7.1'],
  knockForOther:                ['-',       '-',       '-',       '4.6.2',   '4.7.2',   '4.7.2',   '4.7.2',   '5.7.2'],
  knockPresent:                 ['-',       '-',       '-',       '4.6.4',   '4.7.4',   '4.7.4',   '4.7.4',   '5.7.4'],
  membershipUnknown:            ['5.6',     '5.6',     '4.6',     '4.7',     '4.8',     '4.8',     '4.8',     '5.8'],

  senderNotJoined:              ['6',       '6',       '5',       '5',       '5',       '5',       '5',       '6'],
  thirdPartyInviteLevel:        ['7.1',     '7.1',     '6.1',     '6.1',     '6.1',     '6.1',     '6.1',     '7.1'],
  sendLevel:                    ['8',       '8',       '7',       '7',       '7',       '7',       '7',       '8'],
  stateKeyOfOther:              ['9',       '9',       '8',       '8',       '8',       '8',       '8',       '9'],

  powerLevelNotInteger:         ['10',      '10',      '9',       '9',       '9',       '9.1',     '9.1',     '10.1'],
  powerLevelMapMalformed:       ['10',      '10',      '9',       '9',       '9',       '9.2',     '9.2',     '10.2'],
  powerLevelUsersMalformed:     ['10.1',    '10.1',    '9.1',     '9.1',     '9.1',     '9.3',     '9.3',     '10.3'],
  powerLevelNamesCreator:       ['-',       '-',       '-',       '-',       '-',       '-',       '-',       '10.4'],
  levelAboveOwn:                ['10.3.1',  '10.3.1',  '9.3.1',   '9.3.1',   '9.3.1',   '9.5.1',   '9.5.1',   '10.6.1'],
  newLevelAboveOwn:             ['10.3.2',  '10.3.2',  '9.3.2',   '9.3.2',   '9.3.2',   '9.5.2',   '9.5.2',   '10.6.2'],
  entryAboveOwn:                ['10.4.1',  '10.4.1',  '9.4.1',   '9.4.1',   '9.4.1',   '9.6.1',   '9.6.1',   '10.7.1'],
  newEntryAboveOwn:             ['10.5.1',  '10.5.1',  '9.5.1',   '9.5.1',   '9.5.1',   '9.7.1',   '9.7.1',   '10.8.1'],
  userNotBelowOwn:              ['10.6.1',  '10.6.1',  '9.6.1',   '9.6.1',   '9.6.1',   '9.8.1',   '9.8.1',   '10.9.1'],
  newUserAboveOwn:              ['10.7.1',  '10.7.1',  '9.7.1',   '9.7.1',   '9.7.1',   '9.9.1',   '9.9.1',   '10.10.1'],

  redactionNotAllowed:          ['11.3',    '-',       '-',       '-',       '-',       '-',       '-',       '-'],
};

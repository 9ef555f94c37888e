/** The number of a rule on the page of a room version, `-` where the version has no such rule or case. */
export type RuleOf = (version: number) => string;

/** A rule's number, or the part of it that follows its section, where it is the same in all versions at hand. */
type Numbering = string | RuleOf;

const at = (numbering: Numbering, version: number) =>
  typeof numbering === 'string' ? numbering : numbering(version);

/** A case of some versions only, first and last included. */
export const within =
  (first: number, last: number, numbering: Numbering): RuleOf =>
  (version) =>
    first <= version && version <= last ? at(numbering, version) : '-';
export const since = (first: number, numbering: Numbering) => within(first, Infinity, numbering);
export const until = (last: number, numbering: Numbering) => within(1, last, numbering);

const below =
  (section: RuleOf, rest: Numbering): RuleOf =>
  (version) =>
    `${section(version)}.${at(rest, version)}`;

// Sections. Rule 4 of versions 1 to 5 is about aliases, rule 2 of version 12 about the room id: what follows stands one later.

const later =
  (in6: number): RuleOf =>
  (version) =>
    String(version < 6 || version > 11 ? in6 + 1 : in6);

export const create = (rest: Numbering): RuleOf => below(() => '1', rest);
export const roomId: RuleOf = (version) => (version < 12 ? '2.4' : '2');
export const authEvents = (rest: Numbering): RuleOf => below((version) => (version < 12 ? '2' : '3'), rest);
export const federate: RuleOf = (version) => (version < 12 ? '3' : '4');
export const aliases = (rest: Numbering): RuleOf =>
  until(
    5,
    below(() => '4', rest),
  );
export const member = (rest: Numbering): RuleOf => below(later(4), rest);
export const joined: RuleOf = later(5);
export const thirdPartyInviteLevel: RuleOf = below(later(6), '1');
export const sendLevel: RuleOf = later(7);
export const stateKey: RuleOf = later(8);
/** The whole rule about power levels: that values are levels at all stands outside of it before version 10. */
export const powerLevels: RuleOf = later(9);
export const redaction = (rest: Numbering): RuleOf =>
  until(
    2,
    below(() => '11', rest),
  );
export const otherwise: RuleOf = (version) => (version < 3 ? '12' : later(10)(version));

// Memberships. Version 8 put the signature of restricted joins before them, version 7 knocking before the unknown.

const membership =
  (in1: number): RuleOf =>
  (version) =>
    member(String(version < 8 ? in1 : in1 + 1))(version);

export const authoriserSignature: RuleOf = since(8, member('2.1'));
export const join = (rest: Numbering): RuleOf => below(membership(2), rest);
/** Version 8 put restricted joins before public ones. */
export const restrictedJoin = (rest: string): RuleOf => since(8, join(`5.${rest}`));
export const publicJoin: RuleOf = join((version) => (version < 8 ? '5' : '6'));
export const otherJoin: RuleOf = join((version) => (version < 8 ? '6' : '7'));
export const invite = (rest: Numbering): RuleOf => below(membership(3), rest);
export const thirdParty = (rest: string): RuleOf => invite(`1.${rest}`);
export const leave = (rest: Numbering): RuleOf => below(membership(4), rest);
export const ban = (rest: Numbering): RuleOf => below(membership(5), rest);
export const knock = (rest: Numbering): RuleOf => since(7, below(membership(6), rest));
export const unknownMembership: RuleOf = (version) => membership(version < 7 ? 6 : 7)(version);

// Power levels. Version 10 put two rules in front, version 12 one more behind the one about `users`.

export const notLevel: RuleOf = (version) => powerLevels(version) + (version < 10 ? '' : '.1');
export const notLevelMap: RuleOf = (version) => powerLevels(version) + (version < 10 ? '' : '.2');
export const badUsers: RuleOf = below(powerLevels, (version) => (version < 10 ? '1' : '3'));
export const namesCreator: RuleOf = since(12, below(powerLevels, '4'));
/** What follows the rule about `users`, as it is numbered in versions 1 to 9. */
export const levelChange = (in1: number, rest = ''): RuleOf =>
  below(powerLevels, (version) => {
    const added = version < 10 ? 0 : version < 12 ? 2 : 3;
    return `${in1 + added}${rest}`;
  });

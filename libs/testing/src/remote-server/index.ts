export { RemoteServer, pdusIn } from './remote-server.js';
export { RemoteRoom, type BuildOptions, type EventDraft } from './remote-room.js';
export type { CreateRoomOptions } from './create-room.js';
export {
  PeerRefused,
  makeMembership,
  sendMembership,
  takeJoinAnswer,
  type InviteAnswer,
  type InviteOptions,
  type MadeMembership,
} from './remote-memberships.js';
export type { ReceivedInvite } from './room-host.js';
export type { ReceivedRequest } from './received-request.js';
export type { RemoteHandler } from './routes.js';
export type { Peer, PeerAnswer, SendOptions, Signer } from './send-request.js';
export type { Transaction } from './transaction.js';
export { matrixError, type JsonAnswer, type RawAnswer, type RemoteAnswer } from './remote-answer.js';
export {
  endless,
  hangUp,
  redirect,
  silence,
  slowLoris,
  truncated,
  wrongContentType,
} from './hostile-answers.js';
export { keyAnswer, wronglySignedKeyAnswer, type KeyAnswerOptions } from './key-answers.js';
export { walkBack, usersWith, serversIn } from './room-walks.js';

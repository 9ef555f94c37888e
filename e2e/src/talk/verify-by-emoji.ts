import { setTimeout as sleep } from 'node:timers/promises';
import {
  CryptoEvent,
  type ShowSasCallbacks,
  type VerificationRequest,
  VerificationPhase,
  VerificationRequestEvent,
  type Verifier,
  VerifierEvent,
} from 'matrix-js-sdk/lib/crypto-api/index.js';
import type { EncryptedDevice } from './encrypted-device.js';

/**
 * Two devices verify each other: both show the same emoji, and both people say so.
 * @param ask makes the request that the other device gets
 * @throws Error when they differ, or one of them cancels
 */
export async function verifyByEmoji(
  answering: EncryptedDevice,
  ask: () => Promise<VerificationRequest>,
): Promise<void> {
  const received = new Promise<VerificationRequest>((resolve) => {
    answering.client.once(CryptoEvent.VerificationRequestReceived, resolve);
  });
  const asked = await ask();
  const answered = await inTime('the request', received);
  const isReady = until(asked, () => asked.phase === VerificationPhase.Ready);
  await answered.accept();
  await inTime('the acceptance', isReady);
  const other = until(answered, () => answered.verifier !== undefined);
  const first = await asked.startVerification('m.sas.v1');
  const shown = sasOf(first);
  const isDone = first.verify();
  await inTime('the start', other);
  const second = answered.verifier as Verifier;
  const alsoShown = sasOf(second);
  const isAlsoDone = second.verify();
  const both = await inTime('the emoji', Promise.all([shown, alsoShown]));
  const [one, two] = both.map(({ sas }) => JSON.stringify(sas.emoji));
  if (one === undefined || one !== two) throw new Error('the emoji differ');
  await Promise.all(both.map((sas) => sas.confirm()));
  await inTime('the end', Promise.all([isDone, isAlsoDone]));
}

function inTime<T>(what: string, awaited: Promise<T>): Promise<T> {
  const late = sleep(45_000, undefined, { ref: false }).then(() => {
    throw new Error(`${what} of the verification never came`);
  });
  return Promise.race([awaited, late]);
}

function sasOf(verifier: Verifier): Promise<ShowSasCallbacks> {
  return new Promise((resolve) => {
    verifier.once(VerifierEvent.ShowSas, resolve);
  });
}

function until(request: VerificationRequest, check: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!check()) return;
      request.off(VerificationRequestEvent.Change, look);
      resolve();
    };
    request.on(VerificationRequestEvent.Change, look);
    look();
  });
}

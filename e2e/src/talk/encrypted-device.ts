import { uniqueName, testPassword } from '@atoll/testing';
import {
  createClient,
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  PendingEventOrdering,
  type Room,
} from 'matrix-js-sdk';
import type { CryptoCallbacks, GeneratedSecretStorageKey } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { eventually } from '../federation/eventually.js';
import { CheckedFetch } from './checked-fetch.js';

/** What a person writes down: the key of the secret storage, which opens everything on a new device. */
type RecoveryKey = Pick<GeneratedSecretStorageKey, 'privateKey'>;

interface Session {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
}

/** Whether a device reaches its server. */
interface Line {
  isCut: boolean;
}

/** A person with real clients that encrypt. */
export class EncryptedDevice {
  /** By room. */
  private readonly read = new Map<string, Set<string>>();

  private constructor(
    readonly client: MatrixClient,
    private readonly recoveryKey: Partial<RecoveryKey>,
    private readonly line: Line,
    private readonly answers: CheckedFetch,
  ) {}

  static async register(baseUrl: string, prefix: string): Promise<EncryptedDevice> {
    const registered = await createClient({ baseUrl }).registerRequest({
      username: uniqueName(prefix),
      password: testPassword,
      auth: { type: 'm.login.dummy' },
    });
    const { user_id: userId, device_id: deviceId = '', access_token: accessToken = '' } = registered;
    return EncryptedDevice.start(baseUrl, { userId, deviceId, accessToken }, {});
  }

  /** The same user on a new device without any keys, but for the recovery key that the person types in. */
  async onAnotherDevice(): Promise<EncryptedDevice> {
    const { baseUrl } = this.client;
    const session = await createClient({ baseUrl }).loginRequest(this.passwordLogin());
    const { user_id: userId, device_id: deviceId, access_token: accessToken } = session;
    return EncryptedDevice.start(baseUrl, { userId, deviceId, accessToken }, this.recoveryKey);
  }

  private static async start(
    baseUrl: string,
    session: Session,
    recoveryKey: Partial<RecoveryKey>,
  ): Promise<EncryptedDevice> {
    const cryptoCallbacks: CryptoCallbacks = {
      getSecretStorageKey: ({ keys }) => {
        const [keyId] = Object.keys(keys);
        const { privateKey } = recoveryKey;
        return Promise.resolve(keyId !== undefined && privateKey ? [keyId, privateKey] : null);
      },
    };
    const line: Line = { isCut: false };
    const answers = new CheckedFetch();
    const fetchFn: typeof fetch = (...request) =>
      line.isCut ? Promise.reject(new TypeError('offline')) : answers.fetch(...request);
    const client = createClient({ baseUrl, ...session, cryptoCallbacks, fetchFn });
    await client.initRustCrypto({ useIndexedDB: false });
    await client.startClient({
      initialSyncLimit: 50,
      pollTimeout: 5000,
      pendingEventOrdering: PendingEventOrdering.Detached,
    });
    const device = new EncryptedDevice(client, recoveryKey, line, answers);
    await device.until('the first sync', () => client.isInitialSyncComplete());
    return device;
  }

  get userId(): string {
    return this.client.getSafeUserId();
  }

  /** Of the device, for people who read what went wrong. */
  get name(): string {
    return `${this.userId} ${this.client.getDeviceId()}`;
  }

  get crypto() {
    const crypto = this.client.getCrypto();
    if (!crypto) throw new Error('the client does not encrypt');
    return crypto;
  }

  /** Cross-signing keys, secret storage and a key backup, as clients set them up at the first login. */
  async setUpRecovery(): Promise<void> {
    await this.newIdentity();
    await this.crypto.bootstrapSecretStorage({
      setupNewKeyBackup: true,
      createSecretStorageKey: async () => {
        const created = await this.crypto.createRecoveryKeyFromPassphrase();
        Object.assign(this.recoveryKey, { privateKey: created.privateKey });
        return created;
      },
    });
  }

  /** Cross-signing keys, in the place of those that there are. */
  async newIdentity(): Promise<void> {
    await this.crypto.bootstrapCrossSigning({
      setupNewCrossSigning: true,
      authUploadDeviceSigningKeys: async (request) => {
        await request({ ...this.passwordLogin() });
      },
    });
  }

  /** From now on no request of this device arrives anywhere. */
  cutOff(): void {
    this.line.isCut = true;
  }

  reconnect(): void {
    this.line.isCut = false;
    this.client.retryImmediately();
  }

  /** Says something, however often it takes until the server has it. */
  async say(roomId: string, text: string): Promise<void> {
    const txnId = this.client.makeTxnId();
    const content = { msgtype: MsgType.Text as const, body: text };
    await this.until(`"${text}" sent`, async () => {
      const local = this.client
        .getRoom(roomId)
        ?.getPendingEvents()
        .find((event) => event.getTxnId() === txnId);
      const sending = local
        ? this.client.resendEvent(local, this.client.getRoom(roomId) as Room)
        : this.client.sendEvent(roomId, EventType.RoomMessage, content, txnId);
      return sending.then(
        () => true,
        () => false,
      );
    });
  }

  /** Messages that this device could decrypt, those too that it shows no more since its timeline began anew behind a gap. */
  readable(roomId: string): string[] {
    const read = this.read.get(roomId) ?? new Set();
    for (const event of this.encrypted(roomId)) {
      const isReadable = event.getType() === 'm.room.message' && !event.isDecryptionFailure();
      if (isReadable) read.add(String(event.getContent()['body']));
    }
    this.read.set(roomId, read);
    return [...read];
  }

  /** How many messages it could not. */
  unreadable(roomId: string): number {
    return this.encrypted(roomId).filter((event) => event.isDecryptionFailure()).length;
  }

  /** Messages that it sees, readable or not. */
  seen(roomId: string): number {
    return this.encrypted(roomId).length;
  }

  private encrypted(roomId: string): MatrixEvent[] {
    const events = this.client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
    return events.filter((event) => event.isEncrypted());
  }

  /** @throws Error when it does not become true in time */
  async until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    const found = await eventually(
      async () => check(),
      (isTrue) => isTrue,
      45_000,
    );
    if (!found) throw new Error(`${this.userId} never saw ${what}`);
  }

  /** @throws Error when an answer to it broke the specification */
  stop(): void {
    this.client.stopClient();
    this.answers.expectNone();
  }

  private passwordLogin() {
    return {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: this.client.getSafeUserId() },
      password: testPassword,
    };
  }
}

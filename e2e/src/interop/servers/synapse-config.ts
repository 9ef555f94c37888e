import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateFiles } from './homeserver.js';

export interface SynapseAddresses {
  readonly serverName: string;
  readonly clientPort: number;
  readonly federationPort: number;
}

const unlimited = { per_second: 10_000, burst_count: 10_000 };

const rateLimits = {
  rc_message: unlimited,
  rc_registration: unlimited,
  rc_room_creation: unlimited,
  rc_joins_per_room: unlimited,
  rc_joins: { local: unlimited, remote: unlimited },
  rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
  rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
  rc_federation: { sleep_limit: 10_000, reject_limit: 10_000, concurrent: 100 },
};

/**
 * Writes Synapse's configuration, its signing key and its log configuration into `folder`. YAML contains JSON.
 * @returns the configuration file
 */
export async function writeSynapseConfig(
  folder: string,
  { serverName, clientPort, federationPort }: SynapseAddresses,
  certificates: CertificateFiles,
): Promise<string> {
  const listener = { type: 'http', bind_addresses: ['127.0.0.1'] };
  const config = {
    server_name: serverName,
    report_stats: false,
    listeners: [
      { ...listener, port: clientPort, resources: [{ names: ['client'] }] },
      { ...listener, port: federationPort, tls: true, resources: [{ names: ['federation'] }] },
    ],
    database: { name: 'sqlite3', args: { database: join(folder, 'homeserver.db') } },
    media_store_path: join(folder, 'media'),
    signing_key_path: join(folder, 'signing.key'),
    log_config: join(folder, 'log.json'),
    macaroon_secret_key: randomBytes(24).toString('hex'),
    form_secret: randomBytes(24).toString('hex'),
    tls_certificate_path: certificates.certificate,
    tls_private_key_path: certificates.key,
    federation_verify_certificates: true,
    federation_custom_ca_list: [certificates.authority],
    ip_range_blacklist: [],
    federation_ip_range_blacklist: [],
    trusted_key_servers: [],
    serve_server_wellknown: false,
    // An outage lasts seconds here; by default it would wait for ten minutes.
    federation: { destination_min_retry_interval: '1s', destination_max_retry_interval: '2s' },
    allow_public_rooms_over_federation: true,
    room_list_publication_rules: [{ action: 'allow' }],
    enable_registration: true,
    enable_registration_without_verification: true,
    bcrypt_rounds: 4,
    presence: { enabled: true },
    caches: { global_factor: 0.1 },
    ...rateLimits,
  };
  await writeFile(join(folder, 'signing.key'), `ed25519 a_interop ${unpadded(randomBytes(32))}\n`, {
    mode: 0o600,
  });
  await writeFile(join(folder, 'log.json'), JSON.stringify(logging, null, 2));
  const file = join(folder, 'homeserver.json');
  await writeFile(file, JSON.stringify(config, null, 2), { mode: 0o600 });
  return file;
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

const logging = {
  version: 1,
  formatters: { line: { format: '%(asctime)s %(levelname)s %(name)s %(request)s %(message)s' } },
  handlers: { stream: { class: 'logging.StreamHandler', formatter: 'line' } },
  root: { level: 'INFO', handlers: ['stream'] },
  disable_existing_loggers: false,
};

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Config, readOrCreateSecretFile } from '@atoll/config';
import type { Logger } from '@atoll/telemetry';
import { generate } from 'selfsigned';

/** Peers do not trust it anyway, so that nothing is won by making it anew. */
const VALID_YEARS = 10;

/** PEM texts; one text may hold both. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * The configured certificate; without one a self-signed one in the data folder, which only peers that are told to trust
 * accept.
 */
export async function tlsCertificate(config: Config, logger: Logger): Promise<TlsCertificate> {
  const { tlsCert, tlsKey, dataDir, serverName, embedded } = config;
  if (tlsCert !== undefined && tlsKey !== undefined) {
    const [cert, key] = await Promise.all([readFile(tlsCert, 'utf8'), readFile(tlsKey, 'utf8')]);
    return { cert, key };
  }
  const file = join(dataDir, 'federation-tls.pem');
  if (!embedded)
    logger.warn({ file }, 'No TLS certificate is configured: other servers will not trust this one');
  // One file, so that processes that start together agree on both halves.
  const pem = await readOrCreateSecretFile(file, () => selfSigned(serverName));
  return { cert: pem, key: pem };
}

async function selfSigned(serverName: string): Promise<string> {
  const host = serverName.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const altNames = [...new Set([host, 'localhost', '127.0.0.1', '::1'])].map((name) =>
    isIP(name) > 0 ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
  );
  const notAfterDate = new Date();
  notAfterDate.setFullYear(notAfterDate.getFullYear() + VALID_YEARS);
  const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    notAfterDate,
    extensions: [{ name: 'subjectAltName', altNames }],
  });
  return `${key}\n${cert}\n`;
}

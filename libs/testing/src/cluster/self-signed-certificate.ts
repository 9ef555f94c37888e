import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface Certificate {
  certificateFile: string;
  keyFile: string;
}

/**
 * A certificate for `serverName` and the loopback address in `dataDir`, made at the first call. Its subject has the port: of
 * trusted certificates with one subject, OpenSSL would look at one only.
 */
export async function selfSignedCertificate(dataDir: string, serverName: string): Promise<Certificate> {
  const certificateFile = join(dataDir, 'tls.crt');
  const keyFile = join(dataDir, 'tls.key');
  if (existsSync(keyFile)) return { certificateFile, keyFile };
  const host = serverName.replace(/:\d+$/, '');
  const names = [
    { type: 2 as const, value: host },
    { type: 7 as const, ip: '127.0.0.1' },
  ];
  const made = await generate([{ name: 'commonName', value: serverName }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: names }],
  });
  await writeFile(certificateFile, made.cert);
  await writeFile(keyFile, made.private, { mode: 0o600 });
  return { certificateFile, keyFile };
}

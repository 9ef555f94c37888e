import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import type { CertificateFiles } from './homeserver.js';

/** Makes a certificate authority and a certificate for `localhost` signed by it, as PEM files in `folder`. */
export async function makeCertificates(folder: string): Promise<CertificateFiles> {
  const authority = await generate([{ name: 'commonName', value: 'Atoll test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  const files = {
    authority: join(folder, 'authority.crt'),
    certificate: join(folder, 'localhost.crt'),
    key: join(folder, 'localhost.key'),
  };
  await writeFile(files.authority, authority.cert);
  await writeFile(files.certificate, made.cert);
  await writeFile(files.key, made.private, { mode: 0o600 });
  return files;
}

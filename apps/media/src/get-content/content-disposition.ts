/** Types that browsers show without running anything. @see https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content */
const INLINE_TYPES: ReadonlySet<string> = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
]);

/** Needs no escape in a quoted string; browsers disagree about `%`, `"` and `\` there (RFC 6266, appendix D). */
const PLAIN = /^[ !#$&-[\]-~]*$/;
/** What `encodeURIComponent` leaves as it is, but RFC 5987 does not. */
const NOT_ATTR_CHARS = /[*'()]/g;

/** The `Content-Disposition` of media: shown only where that is harmless, and with its name. */
export function contentDisposition(contentType: string, fileName: string | null): string {
  const [essence = ''] = contentType.split(';', 1);
  const disposition = INLINE_TYPES.has(essence.trim().toLowerCase()) ? 'inline' : 'attachment';
  return fileName === null ? disposition : `${disposition}; ${fileNameParameter(fileName)}`;
}

function fileNameParameter(name: string): string {
  if (PLAIN.test(name)) return `filename="${name}"`;
  const encoded = encodeURIComponent(name.toWellFormed());
  return `filename*=utf-8''${encoded.replace(NOT_ATTR_CHARS, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}

import { Agent, request } from 'undici';

const agent = new Agent({ connect: { rejectUnauthorized: false } });

/** One request to a federation listener with its self-signed certificate. */
export async function askFederation(
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  url: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const { statusCode, body } = await request(url, { method, dispatcher: agent });
  return { status: statusCode, body: (await body.json()) as Record<string, unknown> };
}

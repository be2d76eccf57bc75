import { get as getPlain } from 'node:http';
import { get as getTls } from 'node:https';
import { reasonOf } from './engine-ping.ts';

/** What a service's health URL answered. */
interface ProbeAnswer {
  readonly ok: boolean;
  /** The status and the start of the body, or why there was no answer. */
  readonly text: string;
}

const bodyLength = 500;

/**
 * One GET; 200 is healthy, whatever else is not (no redirect is followed).
 * @param timeout in ms
 */
export async function probeUrl(url: string, timeout: number, signal: AbortSignal): Promise<ProbeAnswer> {
  const limit = AbortSignal.timeout(timeout);
  try {
    const { status, body } = await request(url, AbortSignal.any([signal, limit]));
    return { ok: status === 200, text: `${status} ${body}`.trim() };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return { ok: false, text: limit.aborted ? `no answer within ${timeout} ms` : reasonOf(error) };
  }
}

function request(url: string, signal: AbortSignal): Promise<{ status: number; body: string }> {
  const get = url.startsWith('https:') ? getTls : getPlain;
  return new Promise((resolve, reject) => {
    const sent = get(url, { signal, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body = (body + chunk).slice(0, bodyLength);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
  });
}

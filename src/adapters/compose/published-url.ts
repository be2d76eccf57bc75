import type { PublishedPort } from './engine-shapes.ts';

/**
 * Where a container's published port is reached: the port that the health URL has, else the first one.
 * @param engineHost the host of a remote engine; undefined: this machine
 */
export function findPublishedUrl(
  ports: readonly PublishedPort[],
  healthUrl: string | undefined,
  engineHost: string | undefined,
): string | undefined {
  const wanted = healthUrl === undefined ? undefined : portOf(healthUrl);
  const published = ports.filter((port) => port.port > 0);
  const port = published.find((candidate) => candidate.port === wanted) ?? published[0];
  if (port === undefined) return undefined;
  return `http://${hostOf(port.host, engineHost)}:${port.port}`;
}

function hostOf(bound: string, engineHost: string | undefined): string {
  const everywhere = bound === '' || bound === '0.0.0.0' || bound === '::';
  const host = everywhere ? (engineHost ?? '127.0.0.1') : bound;
  return host.includes(':') ? `[${host}]` : host;
}

function portOf(url: string): number | undefined {
  if (!URL.canParse(url)) return undefined;
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

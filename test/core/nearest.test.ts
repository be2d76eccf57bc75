import { describe, expect, it } from 'vitest';
import { findNearest } from '../../src/core/nearest.ts';

const KEYS = ['services', 'servers', 'policies', 'project', 'compose', 'environment'];

describe('findNearest', () => {
  it.each([
    ['polices', 'policies'],
    ['projekt', 'project'],
    ['Project', 'project'],
    ['sevrers', 'servers'],
    ['service', 'services'],
    ['enviroment', 'environment'],
    ['servers', 'servers'],
  ])('takes %s for %s', (name, expected) => {
    expect(findNearest(name, KEYS)).toBe(expected);
  });

  it('counts - and _ as the same', () => {
    expect(findNearest('api_auth', ['api-user', 'api-auth'])).toBe('api-auth');
  });

  it('counts two letters that changed places as one edit', () => {
    expect(findNearest('ab', ['ba'])).toBe('ba');
    expect(findNearest('ab', ['cd'])).toBeUndefined();
  });

  it.each(['zzz', '', 'x', 'p'.repeat(1000)])('names nothing for %s', (name) => {
    expect(findNearest(name, KEYS)).toBeUndefined();
  });

  it('names nothing where there is nothing', () => {
    expect(findNearest('a', [])).toBeUndefined();
  });
});

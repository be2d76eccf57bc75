import { describe, expect, it } from 'vitest';
import type { Rebased } from '../../src/core/answers/authoring.ts';
import { formatMentions, formatRebased, formatWritten } from '../../src/report/authoring-answers.ts';
import { contextWith } from './support.ts';

const folder = '/home/dev/shop/services/api-auth/revisions';
const rebased: Rebased = {
  service: 'api-auth',
  behind: '002_theirs',
  revisions: [
    { from: '002_mine', to: '003_mine', files: [{ from: `${folder}/002_mine.ts`, to: `${folder}/003_mine.ts` }] },
  ],
  mentions: [
    { service: 'api-user', file: '/home/dev/shop/u/001.sql', requires: 'api-auth@2', now: 'api-auth@003_mine' },
  ],
};

describe('what authoring commands answer', () => {
  it('are paths alone, one a line', () => {
    expect(formatWritten([`${folder}/001_a.up.sql`, `${folder}/001_a.down.sql`], contextWith())).toBe(
      'services/api-auth/revisions/001_a.up.sql\nservices/api-auth/revisions/001_a.down.sql\n',
    );
  });

  it('are old and new paths, and what is left to do', () => {
    expect(formatRebased(rebased, contextWith())).toBe(
      'services/api-auth/revisions/002_mine.ts -> services/api-auth/revisions/003_mine.ts\n',
    );
    expect(formatMentions(rebased, contextWith())).toBe(
      'u/001.sql (api-user) still requires api-auth@2: write api-auth@003_mine, unless it is applied\n',
    );
    expect(formatRebased({ ...rebased, behind: undefined, revisions: [] }, contextWith())).toBe(
      'Nothing to do: it is the head already.\n',
    );
  });

  it('show no escape sequence of a file name', () => {
    expect(formatWritten(['/x/\u001b[31m.sql'], contextWith())).not.toContain('\u001b');
  });
});

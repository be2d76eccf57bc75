import type { HistoryEntry } from '../../src/core/answers/history.ts';
import type { ShownRevision } from '../../src/core/answers/shown.ts';
import type { Finding } from '../../src/core/findings.ts';
import { failures } from './samples.ts';

const folder = '/home/dev/shop/services/api-auth/revisions';

/** One of each kind: the compiler keeps the samples complete. */
export const findings: { readonly [K in Finding['kind']]: Extract<Finding, { kind: K }> } = {
  invalid: {
    kind: 'invalid',
    fault: {
      file: `${folder}/004_d.up.sql`,
      line: 2,
      column: 1,
      message: 'COMMIT ends the transaction',
      source: 'COMMIT;',
      hint: 'write `-- orch:transaction none`',
    },
  },
  gap: { kind: 'gap', first: '003', last: '005', below: '002_b', above: '006_f' },
  diverged: {
    kind: 'diverged',
    heads: [
      { name: '007_x', file: `${folder}/007_x.up.sql`, author: 'Ann', created: '2026-01-02' },
      { name: '007_y', file: `${folder}/007_y.up.sql`, author: undefined, created: undefined },
    ],
  },
  changed: {
    kind: 'changed',
    revision: '001_a',
    file: `${folder}/001_a.up.sql`,
    recorded: 'v1:sha256:aa',
    found: 'v1:sha256:bb',
  },
  missing: { kind: 'missing', revision: '002_b', appliedAt: '2026-11-20T10:00:00Z' },
  'out-of-order': { kind: 'out-of-order', revision: '003_c', file: `${folder}/003_c.up.sql`, head: '006_f' },
  'down-changed': {
    kind: 'down-changed',
    revision: '006_f',
    file: `${folder}/006_f.down.sql`,
    recorded: 'v1:sha256:aa',
    found: undefined,
  },
  interrupted: { kind: 'interrupted', revision: '006_f', direction: 'up', statementsDone: 3 },
  behind: { kind: 'behind', why: 'pending', pending: ['007_x', '007_y', '008_z', '009_q'], seeds: ['001_demo'] },
  refused: { kind: 'refused', failure: failures['requirement-unmet'] },
};

export const revisionRow: HistoryEntry = {
  name: '002_roles',
  message: 'add roles',
  created: '2026-01-02',
  author: 'Ann',
  parents: ['001_users'],
  labels: ['reports'],
  requires: ['api-user@001'],
  isHead: true,
  file: `${folder}/002_roles.up.sql`,
  state: 'applied',
  appliedAt: '2026-11-20T10:00:00Z',
  duration: 12,
  role: 'auth_owner',
  note: 'stamped: by hand',
};

export const shownRow: ShownRevision = {
  service: 'api-auth',
  name: '002_roles',
  message: 'add roles',
  origin: 'recorded',
  created: '2026-01-02',
  author: 'Ann',
  parents: ['001_users'],
  children: ['003_sessions'],
  labels: [],
  requires: [],
  irreversible: undefined,
  transaction: 'none',
  appliedAt: '2026-11-20T10:00:00Z',
  up: {
    file: `${folder}/002_roles.up.sql`,
    checksum: 'v1:sha256:aa',
    text: 'CREATE\tTABLE \u001b[31mroles ();\nSELECT 2;\n',
  },
  down: { file: `${folder}/002_roles.down.sql`, checksum: 'v1:sha256:bb', text: undefined },
};

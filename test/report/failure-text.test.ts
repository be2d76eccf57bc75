import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/core/failure.ts';
import { phraseFailure } from '../../src/report/failure-phrases.ts';
import { formatBug, formatFailure } from '../../src/report/failure-text.ts';
import { createStyle } from '../../src/report/style.ts';
import { failures, project, sqlFailure } from './samples.ts';
import { contextWith } from './support.ts';

const plain = createStyle(false);

function text(failure: Failure, changes: Parameters<typeof contextWith>[0] = {}): string {
  return formatFailure(failure, contextWith(changes), plain);
}

function sqlFailed(changes: Partial<typeof sqlFailure.details>): Failure {
  const details = { ...sqlFailure.details, ...changes };
  return new Failure('sql-failed', details, sqlFailure.at === undefined ? {} : { at: sqlFailure.at });
}

describe('a failure as text', () => {
  it('tells each failure in exactly these words', async () => {
    const all = Object.entries(failures).map(([code, failure]) => `[${code}]\n${text(failure)}`);
    await expect(all.join('\n')).toMatchFileSnapshot('golden/failures.txt');
  });

  it.each(Object.entries(failures))(
    'says what happened, what the state is and what to type next: %s',
    (_code, failure) => {
      const phrase = phraseFailure(failure, contextWith());
      expect(phrase.happened[0]).not.toBe('');
      expect(phrase.state).toMatch(/\.$/);
      expect(phrase.next.length).toBeGreaterThan(0);
      expect([...phrase.happened, phrase.state, ...phrase.next].join('')).not.toMatch(/undefined|\[object|NaN/);
    },
  );

  it('tells each way of being without Docker, each unmet prerequisite and each probe in exactly these words', async () => {
    const kinds = [
      'extension-unavailable',
      'extension-too-old',
      'database-owner',
      'admin-needed',
      'privilege',
      'role-unlimited',
    ] as const;
    const probes = ['resolve', 'tcp', 'login', 'startup', 'primary', 'writable'] as const;
    const ways = ['no-compose', 'engine-lost'] as const;
    const details = failures['prerequisite-unmet'].details;
    const server = failures['server-unreachable'].details;
    const docker = { reason: 'connect ECONNREFUSED', tried: ['unix:///var/run/docker.sock'] };
    const all = [
      ...ways.map((what) => new Failure('docker-unavailable', { ...docker, what })),
      ...kinds.map((what) => new Failure('prerequisite-unmet', { ...details, what })),
      ...probes.map((probe) => new Failure('server-unreachable', { ...server, probe })),
    ];
    await expect(all.map((failure) => text(failure)).join('\n')).toMatchFileSnapshot('golden/variants.txt');
  });

  it('shows DETAIL, which holds row values, only when asked to', () => {
    expect(text(sqlFailure)).not.toContain('ada@example.org');
    expect(text(sqlFailure)).toContain('--show-data shows it');
    expect(text(sqlFailure, { showData: true })).toContain('  detail: Key (email)=(ada@example.org)');
  });

  it('puts the caret below the character, tabs, wide characters and long lines notwithstanding', () => {
    const caret = (source: string, column: number): string[] => {
      const failure = new Failure(
        'sql-failed',
        { ...sqlFailure.details, source },
        { at: { file: '/f.sql', line: 7, column } },
      );
      return text(failure)
        .split('\n')
        .filter((line) => line.startsWith('  7 |') || line.startsWith('    |'));
    };
    expect(caret('\tSELECT x;', 9)).toEqual(['  7 |     SELECT x;', '    |            ^']);
    expect(caret("SELECT '名前', x;", 14)).toEqual(["  7 | SELECT '名前', x;", '    |                ^']);
    const [line = '', below = ''] = caret(`${'a'.repeat(500)}X${'b'.repeat(500)}`, 501);
    expect(line.length).toBeLessThan(120);
    expect(line[below.indexOf('^')]).toBe('X');
  });

  it('says what stays of a revision that runs outside a transaction', () => {
    expect(text(sqlFailed({ partial: true, statementsDone: 2 }))).toContain(
      'now:   002_x runs outside a transaction: 2 statements before it stay; the next run goes on with statement 3, and the text from there on may be mended.',
    );
    expect(text(sqlFailed({ partial: true, statementsDone: 0 }))).toContain(
      'now:   002_x runs outside a transaction, and no statement of it is done; the next run begins it anew, and its text may be mended.',
    );
  });

  it.each([
    ['CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)', '23505', true],
    ['create index concurrently if not exists "I x" on only s.t (x)', '42P07', false],
    ['CREATE INDEX CONCURRENTLY i ON "S t" . t (x)', '57014', true],
    ['CREATE INDEX CONCURRENTLY i ON nowhere (x)', '42P01', false],
    ['VACUUM t', '57014', false],
  ])('says that the next run takes an INVALID index away: %s failed with %s', (statement, sqlstate, leaves) => {
    const told = text(sqlFailed({ partial: true, statement, sqlstate, source: undefined }));
    const said = '# drops the INVALID index that the failed build left, and builds it again';
    expect(told.includes(said)).toBe(leaves);
  });

  it('says of a revision that stopped half way which part of its text must not have changed', () => {
    const verdict = {
      kind: 'changed',
      revision: '004_i',
      file: '/home/dev/shop/services/api-auth/revisions/004_i.up.sql',
    } as const;
    const verdicts = [{ ...verdict, recorded: 'v1:sha256:aa', found: 'v1:sha256:bb', statementsDone: 1 }];
    const told = text(new Failure('history-conflict', { service: 'api-auth', database: 'authdb', verdicts }));
    expect(told).toContain('004_i stopped half way, and what is done of it (1 statement) was changed since');
    expect(told).toContain('put its done statements back into');
  });

  it('lists the revisions that a target may be', () => {
    const details = { service: 'api-auth', target: '001_us', candidates: ['001_users', '001_usage'] };
    const told = text(new Failure('revision-ambiguous', details));
    expect(told).toContain('001_us');
    expect(told).toContain('001_users');
    expect(told).toContain('001_usage');
  });

  it('names the one file that --config named', () => {
    expect(text(new Failure('config-not-found', { searched: ['/home/dev/shop/x.yaml'] }))).toContain(
      '✖ there is no config file x.yaml',
    );
  });

  it('says whose login was refused, and in which file that password stands', () => {
    const details = { ...failures['server-unreachable'].details, database: 'authdb', role: 'auth_owner' };
    const told = text(new Failure('server-unreachable', details as never));
    expect(told).toContain('refuses the login of auth_owner to the database authdb (28P01)');
    expect(told).toContain('owner in services/api-auth/service.yaml  # correct its password or its passwordFile');
  });

  it('says how a database comes to be that is not there, and in which file a url of its own stands', () => {
    const server = { ...project.servers[0], name: 'api-auth', admin: undefined, container: undefined };
    const services = project.services.map((one) => (one.name === 'api-auth' ? { ...one, server } : one));
    const own = { project: { ...project, services, servers: [server] } as never };
    const details = { ...failures['server-unreachable'].details, server: 'api-auth', role: 'nobody' };
    const missing = new Failure('server-unreachable', { ...details, sqlstate: '3D000', database: 'authdb' } as never);
    expect(text(missing, own)).toContain(
      'CREATE DATABASE authdb;  -- in psql, as a role that may: or correct it in the url in services/api-auth/service.yaml',
    );
    const silent = new Failure('server-unreachable', { ...details, probe: 'tcp' } as never);
    expect(text(silent, own)).toContain('url in services/api-auth/service.yaml  # correct host and port');
  });

  it('does not call silence a refused login', () => {
    const details = {
      ...failures['server-unreachable'].details,
      sqlstate: undefined,
      reason: 'no answer within 5000 ms',
    };
    expect(text(new Failure('server-unreachable', details as never))).toContain(
      '✖ server main: 127.0.0.1:54329 accepts connections, but does not answer as PostgreSQL does, waited 3.2 s',
    );
  });

  it('calls the deleting of data by its name where `orch down --volumes` is refused', () => {
    const told = text(failures['reset-refused'], { command: 'down' });
    expect(told).toContain('✖ deleting the data of authdb is refused');
  });

  it('does not claim to know where a database stands when it does not', () => {
    expect(text(sqlFailure, { headsOf: () => undefined })).toContain(
      'now:   rolled back; what was committed before stays in authdb.',
    );
    expect(text(sqlFailure, { headsOf: () => [] })).toContain('now:   rolled back; authdb has no revision applied.');
  });

  it('lets nothing that a server says reach the terminal as a control sequence', () => {
    const nasty = '\u001b[2J\u0007\u009b31m\u202eevil\u2066\ud800';
    const told = text(sqlFailed({ message: nasty, serverHint: nasty, where: `a\n${nasty}`, source: nasty }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(told).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2066]/);
    expect(told).toContain('\\x1b[2J\\x07\\x9b31m\\u202eevil\\u2066\\ud800');
  });

  it('masks secrets in every part', () => {
    const told = text(
      sqlFailed({
        message: 'ALTER ROLE x PASSWORD s3cret-pa$$',
        source: "  PASSWORD 's3cret-pa$$'",
        statement: undefined,
      }),
    );
    expect(told).not.toContain('s3cret');
    expect(told).toContain('***');
  });
});

describe('a bug as text', () => {
  it('shows the stack, the causes and the version, masked and harmless', () => {
    const error = new TypeError('x \u001b[31m is not s3cret-pa$$', { cause: new Error('deeper') });
    const told = formatBug(error, '0.1.0', ['s3cret-pa$$'], plain);
    expect(told).toContain('TypeError: x \\x1b[31m is not ***');
    expect(told).toMatch(/\n {6}at .*failure-text\.test\.ts/);
    expect(told).toContain('caused by: Error: deeper');
    expect(told).toContain('"orch 0.1.0"');
  });

  it('takes anything that can be thrown', () => {
    expect(formatBug(undefined, '0.1.0', [], plain)).toContain('undefined');
  });
});

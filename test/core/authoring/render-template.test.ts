import { describe, expect, it } from 'vitest';
import { builtInTemplates, templateFiles } from '../../../src/core/authoring/built-in-templates.ts';
import { formatHead, plainMessage } from '../../../src/core/authoring/head.ts';
import { guessSubject } from '../../../src/core/authoring/message-guess.ts';
import { renderTemplate, type TemplateValues } from '../../../src/core/authoring/render-template.ts';
import { defaultNaming } from '../../../src/core/naming.ts';
import { parseHead } from '../../../src/core/sql/directives.ts';

const message = 'add email to users';
const head = formatHead(
  { message, parents: undefined, author: 'Ada <ada@example.org>', created: '2026-11-20T23:50:12Z' },
  '--',
);
const values: TemplateValues = {
  ...{ head, id: '004', name: '004_add_email_to_users', message, service: 'api-auth', database: 'authdb' },
  ...{ author: 'Ada <ada@example.org>', created: '2026-11-20T23:50:12Z', parents: '003_a and 003_b' },
  subject: guessSubject(message),
  naming: defaultNaming,
};

describe('a template', () => {
  it('gets words and names by the convention put in', () => {
    const template =
      '{{head}}\n{{ id }} {{name}} {{service}} {{database}} {{pk table}} {{uq users email,tenant}} {{fk orders user_id users}}';
    expect(renderTemplate(template, values)).toEqual({
      text: `${head}\n004 004_add_email_to_users api-auth authdb pk_users uq_users_email_tenant fk_orders_user_id_users`,
      faults: [],
    });
  });

  it('gets its head on top where it has no place for it', () => {
    expect(renderTemplate('SELECT 1;\n', values).text).toBe(`${head}\n\nSELECT 1;\n`);
  });

  it('names what it can not put in, with the place', () => {
    const { faults } = renderTemplate('{{head}} {{mesage}} {{fk orders}}', values);
    expect(faults).toEqual([
      { offset: 9, message: '{{mesage}} is nothing that a template can put in', hint: 'did you mean {{message}}?' },
      {
        offset: 20,
        message: '{{fk orders}} is no name of this kind',
        hint: 'write it as in {{fk table column referred}}',
      },
    ]);
  });

  it('is not read a second time: what is put in stays as it is', () => {
    expect(renderTemplate('{{head}}{{message}}', { ...values, message: '{{id}}' }).text).toBe(`${head}{{id}}`);
  });

  it.each(templateFiles)('of our own is sound: %s', (file) => {
    const isDown = file.includes('.down.');
    const marker = file.endsWith('.ts') ? '//' : '--';
    const ownHead = isDown
      ? ''
      : formatHead({ message, parents: ['003_a', '003_b'], author: 'Ada', created: '2026-11-20' }, marker);
    const { text, faults } = renderTemplate(builtInTemplates[file], { ...values, head: ownHead });
    expect(faults).toEqual([]);
    expect(text).not.toContain('{{');
    const read = parseHead(text, marker);
    expect(read.faults).toEqual([]);
    if (!isDown)
      expect(read.directives).toMatchObject({
        message,
        parents: ['003_a', '003_b'],
        author: 'Ada',
        created: '2026-11-20',
      });
    if (file.endsWith('.sql'))
      expect(text.split('\n').every((line) => line === '' || line.startsWith('--'))).toBe(true);
  });
});

describe('a message', () => {
  it.each([
    ['add email to users', 'users', 'email'],
    ['Add industry_code to companies table', 'companies', 'industry_code'],
    ['Add email field to User model', 'user', 'email'],
    ['drop the column "age" from users', 'users', 'age'],
    ['create table orders', 'orders', 'column_name'],
    ['create an orders table', 'orders', 'column_name'],
    ['変更内容の説明', 'table_name', 'column_name'],
  ])('tells what it is about: %s', (text, table, column) => {
    expect(guessSubject(text)).toMatchObject({ table, column });
  });

  it('becomes one line without what would lie in a terminal', () => {
    expect(plainMessage('  add\n-- orch: parents none\r\n\u001b[31m \u202ex\t ')).toBe(
      'add -- orch: parents none [31m x',
    );
    expect(plainMessage(' \n\u200e ')).toBe('');
  });
});

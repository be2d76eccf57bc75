import { describe, expect, it } from 'vitest';
import { defaultNaming, findUnknownWord, nameOf, shortenName } from '../../src/core/naming.ts';

const orders = { table: 'orders', columns: ['user_id', 'shop_id'], referredTable: 'users' };
const bytes = (text: string): number => Buffer.byteLength(text);

describe('the naming convention', () => {
  it('gives the names of the guides', () => {
    expect(nameOf(defaultNaming, 'pk', orders)).toBe('pk_orders');
    expect(nameOf(defaultNaming, 'ix', orders)).toBe('ix_orders_user_id_shop_id');
    expect(nameOf(defaultNaming, 'uq', orders)).toBe('uq_orders_user_id_shop_id');
    expect(nameOf(defaultNaming, 'fk', orders)).toBe('fk_orders_user_id_shop_id_users');
    expect(nameOf(defaultNaming, 'ck', { table: 'orders', name: 'total' })).toBe('ck_orders_total');
    expect(nameOf(defaultNaming, 'ck', { table: 'orders', columns: ['total'] })).toBe('ck_orders_total');
  });

  it('takes the words of SQLAlchemy as they stand in an existing naming_convention', () => {
    const convention = {
      pk: 'pk_%(table_name)s',
      ix: 'ix_%(table_name)s_%(column_0_N_name)s',
      uq: 'uq_%(table_name)s_%(column_0_name)s',
      fk: 'fk_%(table_name)s_%(column_0N_name)s_%(referred_table_name)s',
      ck: 'ck_%(table_name)s_%(constraint_name)s',
    };
    expect(nameOf(convention, 'ix', orders)).toBe('ix_orders_user_id_shop_id');
    expect(nameOf(convention, 'uq', orders)).toBe('uq_orders_user_id');
    expect(nameOf(convention, 'fk', orders)).toBe('fk_orders_user_idshop_id_users');
    expect(nameOf(convention, 'ck', { table: 'orders', name: 'total' })).toBe('ck_orders_total');
    for (const pattern of Object.values(convention)) expect(findUnknownWord(pattern)).toBeUndefined();
  });

  it('says which word of a pattern means nothing', () => {
    expect(findUnknownWord('ix_{tabel}')?.found).toBe('{tabel}');
    expect(findUnknownWord('ix_%(table)x')).toBeUndefined();
    expect(findUnknownWord('ix_%(nope)s')?.found).toBe('%(nope)s');
  });

  it('leaves a name of 63 bytes alone and shortens one of 64', () => {
    expect(shortenName('a'.repeat(63))).toBe('a'.repeat(63));
    const shortened = shortenName('a'.repeat(64));
    expect(shortened).toMatch(/^a{54}_[0-9a-f]{8}$/);
    expect(bytes(shortened)).toBe(63);
  });

  it('shortens the same name to the same on every machine', () => {
    expect(shortenName(`ix_${'very_long_table_name_'.repeat(4)}id`)).toBe(
      'ix_very_long_table_name_very_long_table_name_very_long_a876f840',
    );
  });

  it('keeps long names apart that begin alike', () => {
    const names = Array.from({ length: 1000 }, (_, index) => shortenName(`${'x'.repeat(80)}${index}`));
    expect(new Set(names).size).toBe(1000);
    expect(Math.max(...names.map(bytes))).toBe(63);
  });

  it('cuts between characters, never within one', () => {
    const shortened = shortenName(`ix_${'表'.repeat(40)}`);
    expect(bytes(shortened)).toBeLessThanOrEqual(63);
    expect(shortened).toMatch(/^ix_表{17}_[0-9a-f]{8}$/);
  });
});

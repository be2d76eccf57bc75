import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/config/interpolate.ts';

const ENV: Readonly<Record<string, string>> = { A: 'a', EMPTY: '', ODD: '${A} $$ : #' };
const put = (text: string) =>
  interpolate(text, (name) => {
    const value = ENV[name];
    return value === undefined ? undefined : { value };
  });

describe('interpolate', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['${A}', 'a'],
    ['x${A}y${A}z', 'xayaz'],
    ['${A:-b}', 'a'],
    ['${EMPTY:-b}', 'b'],
    ['${EMPTY-b}', ''],
    ['${NONE:-b}', 'b'],
    ['${NONE-b}', 'b'],
    ['${NONE:-}', ''],
    ['${NONE:-a b: c}', 'a b: c'],
    ['${NONE:-${A}}', 'a'],
    ['${NONE:-x${ALSO:-${A}}y}', 'xay'],
    ['${A:?needed}', 'a'],
    ['${EMPTY?needed}', ''],
    ['${A:+b}', 'b'],
    ['${EMPTY:+b}', ''],
    ['${EMPTY+b}', 'b'],
    ['${NONE+b}', ''],
    ['$$', '$'],
    ['$${A}', '${A}'],
    ['$$$${A}', '$${A}'],
    ['${NONE:-$$}', '$'],
    ['${ODD}', '${A} $$ : #'],
    ['{}', '{}'],
    ['a}b', 'a}b'],
  ])('%s gives %s', (text, expected) => {
    expect(put(text)).toMatchObject({ text: expected, faults: [] });
  });

  it.each([
    ['${NONE}', '${NONE}', 'the variable NONE is not set'],
    ['${NONE:?set me}', '${NONE:?set me}', 'the variable NONE is not set: set me'],
    ['${EMPTY:?set me}', '${EMPTY:?set me}', 'the variable EMPTY is empty: set me'],
    ['${NONE?}', '${NONE?}', 'the variable NONE is not set'],
    ['${NONE:-${ALSO}}', '${ALSO}', 'the variable ALSO is not set'],
    ['$A', '$', 'a single $'],
    ['a$', '$', 'a single $'],
    ['${A', '${', 'a ${ without its }'],
    ['${}', '${}', 'a variable in a form that is not known'],
    ['${A B}', '${A B}', 'a variable in a form that is not known'],
    ['${1A}', '${1A}', 'a variable in a form that is not known'],
    ['${A:b}', '${A:b}', 'a variable in a form that is not known'],
    ['${A/b/c}', '${A/b/c}', 'a variable in a form that is not known'],
  ])('%s is a fault of %s', (text, expression, message) => {
    expect(put(text).faults).toMatchObject([{ expression, message }]);
  });

  it('finds all faults of a value', () => {
    expect(put('${X} ${Y:-${Z}} $').faults.map(({ expression }) => expression)).toEqual(['${X}', '${Z}', '$']);
  });

  it('does not run out of stack', () => {
    expect(put('${X:-'.repeat(50_000) + '}'.repeat(50_000)).faults).toHaveLength(1);
  });
});

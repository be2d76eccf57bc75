import { expect, it } from 'vitest';
import { faultAt, LineCounter, placeOf } from '../../../src/core/sql/position.ts';

it('a place is 1-based and comes with its whole line', () => {
  expect(placeOf('ab\ncd\n', 4)).toEqual({ line: 2, column: 2, source: 'cd' });
});

it('columns count characters, not UTF-16 units', () => {
  expect(placeOf('😀😀x', 4)).toEqual({ line: 1, column: 3, source: '😀😀x' });
});

it('the end of a text is a place', () => {
  expect(placeOf('ab\n', 3)).toEqual({ line: 2, column: 1, source: '' });
  expect(placeOf('', 0)).toEqual({ line: 1, column: 1, source: '' });
});

it('a line of data is too long to be shown', () => {
  expect(placeOf('x'.repeat(10_000), 5_000)).toEqual({ line: 1, column: 5_001, source: undefined });
});

it('places of growing offsets are those of the same offsets one by one', () => {
  const text = 'a\n\n😀b\n  c';
  const counter = new LineCounter(text);
  for (let offset = 0; offset <= text.length; offset += 1) {
    if (offset === 4) continue; // the middle of the emoji
    const { line, column } = placeOf(text, offset);
    expect(counter.at(offset)).toEqual({ line, column });
  }
});

it('a fault carries file, place and words', () => {
  expect(faultAt('a.sql', 'x\ny', 2, 'no', 'yes')).toEqual({
    file: 'a.sql',
    line: 2,
    column: 1,
    source: 'y',
    message: 'no',
    hint: 'yes',
  });
});

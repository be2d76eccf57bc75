import { expect, it } from 'vitest';
import { Lexer } from '../../../src/core/sql/lexer.ts';
import { readStatements, StatementReader } from '../../../src/core/sql/script.ts';
import { randomNumbers, randomScript } from './random-sql.ts';

function tokens(text: string): readonly string[] {
  const lexer = new Lexer(text);
  const found: string[] = [];
  while (lexer.next() !== 'end' && lexer.kind !== 'unterminated') found.push(lexer.value());
  return found;
}

it('statements and the gaps between them are the text, and the gaps hold nothing but semicolons', () => {
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const text = randomScript(seed, false);
    let joined = '';
    let before = 0;
    for (const { start, end } of readStatements(text)) {
      const gap = text.slice(before, start);
      const strangers = tokens(gap).filter((token) => token !== ';');
      expect(strangers, `seed ${seed}: ${JSON.stringify(text)}`).toEqual([]);
      joined += gap + text.slice(start, end);
      before = end;
    }
    expect(joined + text.slice(before)).toBe(text);
  }
});

it('splitting a statement again gives the statement', () => {
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const text = randomScript(seed, false);
    for (const { start, end } of readStatements(text)) {
      const statement = text.slice(start, end);
      expect(readStatements(statement).map((found) => [found.start, found.end])).toEqual([[0, statement.length]]);
    }
  }
});

it('no text makes the reader fail or read beyond its end', () => {
  const alphabet = '\'"$$$;;--/**/\\()eEaB1_ \n\r\t.é😀\u0000';
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const random = randomNumbers(seed);
    const noise = Array.from({ length: 60 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
    const text = random() < 0.5 ? noise : randomScript(seed, true);
    const reader = new StatementReader(text);
    let last = 0;
    while (reader.next()) {
      expect(reader.start).toBeGreaterThanOrEqual(last);
      expect(reader.end).toBeGreaterThan(reader.start);
      expect(reader.end).toBeLessThanOrEqual(text.length);
      last = reader.end;
    }
    if (reader.unclosed !== undefined) expect(reader.unclosed.offset).toBeLessThan(text.length);
  }
});

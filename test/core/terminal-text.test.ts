import { describe, expect, it } from 'vitest';
import { maskSecrets, visibleJson, visibleText } from '../../src/core/terminal-text.ts';

/** A small generator with a seed: the same texts on each run. */
function randomTexts(count: number): string[] {
  let state = 20_261_120;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
    return (state >>> 8) % below;
  };
  const pools = [0x20, 0xa0, 0x20_80, 0x1_00_00, 0x11_00_00];
  return Array.from({ length: count }, () =>
    Array.from({ length: 20 }, () => {
      const code = next(pools[next(pools.length)] ?? 0x80);
      return code <= 0xff_ff ? String.fromCharCode(code) : String.fromCodePoint(code);
    }).join(''),
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Cs}/u;

describe('foreign text', () => {
  it.each([
    ['\u001b[31mred', '\\x1b[31mred'],
    ['bell\u0007 null\u0000 delete\u007f', 'bell\\x07 null\\x00 delete\\x7f'],
    ['\u009b31m', '\\x9b31m'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['\u2066a\u2069', '\\u2066a\\u2069'],
    ['a\ud800b\udc00', 'a\\ud800b\\udc00'],
    ['tab\there', 'tab\\there'],
    ['a\nb\r\nc\rd', 'a\\nb\\r\\nc\\rd'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
  ])('shows what steers a terminal or hides: %j', (text, shown) => {
    expect(visibleText(text, 'escape')).toBe(shown);
  });

  it('keeps line ends only where they are asked for', () => {
    expect(visibleText('a\nb\r\nc\rd', 'keep')).toBe('a\nb\nc\\rd');
  });

  it('leaves other text as it is', () => {
    const text = 'Grüße, 名前 👩‍💻 é ☃ \\x1b';
    expect(visibleText(text, 'escape')).toBe(text);
  });

  it('never lets a control character through', () => {
    for (const text of randomTexts(5000)) {
      expect(visibleText(text, 'escape')).not.toMatch(steering);
      expect(visibleText(text, 'escape')).not.toContain('\n');
      expect(visibleText(text, 'keep')).not.toMatch(steering);
    }
  });

  it('is the same value in JSON, without control characters', () => {
    for (const text of randomTexts(2000)) {
      const json = visibleJson(JSON.stringify(text));
      expect(json).not.toMatch(steering);
      expect(JSON.parse(json)).toBe(text);
    }
  });
});

describe('secrets', () => {
  const secret = "pä$$ w/o'rd+";
  const bytes = Buffer.from(secret);

  it.each([
    ['as they are', secret],
    ['URL-encoded', encodeURIComponent(secret)],
    ['URL-encoded in lower case', encodeURIComponent(secret).toLowerCase()],
    ['as a form field', encodeURIComponent(secret).replaceAll('%20', '+')],
    ['URL-encoded with quotes', encodeURIComponent(secret).replaceAll("'", '%27')],
    ['as an SQL string', secret.replaceAll("'", "''")],
    ['as a shell word', secret.replaceAll("'", "'\\''")],
    ['in base64', bytes.toString('base64')],
    ['in base64 without padding', bytes.toString('base64').replace(/=+$/, '')],
    ['in base64 for URLs', bytes.toString('base64url')],
    ['in hex', bytes.toString('hex').toUpperCase()],
  ])('are masked %s', (_name, form) => {
    expect(maskSecrets(`before ${form} after`, [secret])).toBe('before *** after');
  });

  it('are masked as JSON quotes them', () => {
    const quoting = 'a"b\\c\nd';
    expect(maskSecrets(JSON.stringify(quoting), [quoting])).toBe('"***"');
  });

  it.each(['', 'u', 'us', 'user:', 'user: '])('are masked inside a longer base64 text, behind %j', (before) => {
    const long = 'correct horse battery';
    const encoded = Buffer.from(`${before}${long}, and more`).toString('base64');
    const masked = maskSecrets(encoded, [long]);
    expect(masked).toContain('***');
    expect(Buffer.from(masked.replace('***', ' '), 'base64').toString('latin1')).not.toContain('horse');
  });

  it('are masked whole where one contains another', () => {
    expect(maskSecrets('longsecret secret', ['secret', 'longsecret'])).toBe('*** ***');
  });

  it('of a few characters are masked only where a password stands', () => {
    const text = "pw: power, postgres://app:pw@host/db, PASSWORD 'pw', password=pw";
    expect(maskSecrets(text, ['pw'])).toBe('pw: power, postgres://app:***@host/db, PASSWORD ***, password=***');
  });

  it.each([
    ['url: postgres://app:hunter2@host/db', 'url: postgres://app:***@host/db'],
    ['    password: hunter2', '    password: ***'],
    ['password: "a b"', 'password: ***'],
    ['{"password":"hunter2"}', '{"password":***}'],
    ["CREATE ROLE app PASSWORD 'it''s' LOGIN", 'CREATE ROLE app PASSWORD *** LOGIN'],
    ["CREATE ROLE app PASSWORD\n  E'it\\'s' LOGIN", 'CREATE ROLE app PASSWORD\n  *** LOGIN'],
    ["EXECUTE 'CREATE ROLE app PASSWORD ''it is'' LOGIN'", "EXECUTE 'CREATE ROLE app PASSWORD *** LOGIN'"],
    ['CREATE ROLE app PASSWORD $a$it$$s$a$ LOGIN', 'CREATE ROLE app PASSWORD *** LOGIN'],
    ["CREATE ROLE app PASSWORD 'cut off …", 'CREATE ROLE app PASSWORD ***'],
    ['host=h password=hunter2 dbname=d', 'host=h password=*** dbname=d'],
  ])('are masked by their place where they are not known: %s', (text, masked) => {
    expect(maskSecrets(text, [])).toBe(masked);
    expect(maskSecrets(masked, [])).toBe(masked);
  });

  it.each([
    'password: ${POSTGRES_PASSWORD:-}',
    'postgres://app:${PASSWORD}@host/db',
    'password authentication failed for user "app"',
    'passwordFile: secrets/owner',
    'http://127.0.0.1:8001/health',
  ])('are not seen where there is none: %s', (text) => {
    expect(maskSecrets(text, [])).toBe(text);
  });

  it('that are empty mask nothing', () => {
    expect(maskSecrets('text', [''])).toBe('text');
    expect(maskSecrets('text', [])).toBe('text');
  });

  it('may be as long as a file of the config, in any form, and cut off', () => {
    const long = Array.from({ length: 20_000 }, (_, at) => `${at.toString(36)}'/+`).join('');
    expect(maskSecrets(`a ${long} b ${long.toUpperCase()} c`, [long])).toBe('a *** b *** c');
    expect(maskSecrets(`a ${encodeURIComponent(long)} b`, [long])).toBe('a *** b');
    expect(maskSecrets(`a ${Buffer.from(long).toString('base64')} b`, [long])).toBe('a *** b');
    expect(maskSecrets(`a ${long.slice(0, 5000)}… b`, [long])).toBe('a ***… b');
    expect(maskSecrets(`a ${long.slice(1)} b`, [long])).toBe(`a ${long.slice(1)} b`);
  });

  it('are found behind as many blanks as there may be', () => {
    const blanks = ' \n'.repeat(500_000);
    expect(maskSecrets(`password:${blanks}hunter2${blanks}`, [])).toBe(`password:${blanks}***${blanks}`);
    expect(maskSecrets(`PASSWORD${blanks}'hunter2'`, [])).toBe(`PASSWORD${blanks}***`);
  });

  it('may hold any character', () => {
    for (const text of randomTexts(300)) {
      expect(maskSecrets(`<${text}>`, [`${text}`])).toBe('<***>');
    }
  });
});

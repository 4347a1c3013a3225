/** Identifiers and cursors that are genuine, and belong to something else. */
export interface Foreign {
  readonly ids: readonly string[]
  readonly cursors: readonly string[]
}

const texts: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\n',
  '\r\nx: y',
  '\u202egnp.exe',
  '\u200b',
  'e\u0301',
  '\u00e9',
  '\ufb01',
  '\u0430\u0064min',
  '\ufffe',
  '\u{10ffff}',
  '%',
  '_',
  '%_\\%',
  '\\',
  '\\u0000',
  "'; DROP TABLE task; --",
  '"',
  '*',
  '**',
  'a*',
  '*/**',
  '[',
  '(a+)+$',
  '(?<=a)b',
  '^(?:(?:a?){20}){20}$',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '../../etc/passwd',
  '/',
  '//',
  '.',
  '-',
  '0',
  'null',
  'true',
  'NaN',
  'Infinity',
  '-1',
  '1e400',
  '9007199254740993',
  '{}',
  '[]',
  'data:,x',
  'file:///etc/passwd',
  'http://127.0.0.1:1/',
  'http://[::1]:1/',
  'https://nowhere.invalid/',
  'a@b',
  'a@b.example',
  'A@B.EXAMPLE',
  'task:',
  'document:a/b',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  'URN:UUID:0190A000-0000-7000-8000-000000000000',
  '0190A000-0000-7000-8000-000000000000',
  '\u{1f3f4}\u200d\u2620\ufe0f'.repeat(100),
  'x'.repeat(300),
  'x'.repeat(5_000),
  'a/'.repeat(300),
]

const moments: readonly string[] = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '1970-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59.999-14:00',
  '0000-01-01T00:00:00+14:00',
  '10000-01-01T00:00:00Z',
  '+010000-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '2024-02-30T00:00:00Z',
  '2023-02-29T00:00:00Z',
  '2024-13-01T00:00:00Z',
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:00:60Z',
  '2024-01-01T00:00:00+99:99',
  '2024-01-01T00:00:00.1234567890123456789Z',
  '2024-01-01',
  '2024-01-01T00:00:00',
]

const numbers: readonly string[] = [
  '0',
  '-0',
  '-1',
  '1',
  '1.5',
  '1e-7',
  '2147483647',
  '2147483648',
  '-2147483649',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775808',
  '1e21',
  '1e308',
  '1e400',
  '-1e400',
  '5e-324',
  '1e-400',
]

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}1${close.repeat(depth)}`

const structures: readonly string[] = [
  'null',
  'true',
  'false',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '[[],{},"",0,null]',
  '{"":null}',
  '{"a":1,"a":2}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"hasOwnProperty":2,"length":-1}',
  '{"a\\u0000b":"\\u0000"}',
  '{"\\ud800":"\\udc00"}',
  '{"path":"a","matches":"(a+)+$"}',
  '{"path":"__proto__","eq":1}',
  '{"all":[]}',
  '{"not":{"not":{"not":{}}}}',
  '[{"op":"add","path":"/__proto__/x","value":1}]',
  '[{"op":"copy","from":"","path":"/a/b/c"}]',
  '{"$ref":"#"}',
  '{"$ref":"http://127.0.0.1:1/schema"}',
  '{"pattern":"(a+)+$"}',
  '{"allOf":[{"$ref":"#/allOf/0"}]}',
  nested(150, '[', ']'),
  nested(250, '[', ']'),
  nested(4_000, '[', ']'),
  nested(150, '{"a":', '}'),
  nested(4_000, '{"a":', '}'),
  `[${'1,'.repeat(3_000)}1]`,
  `[${'"x",'.repeat(300)}"x"]`,
  `{${Array.from({ length: 500 }, (_, index) => `"k${index}":${index}`).join()}}`,
]

/** Texts that JSON can write, and that are no Unicode. */
const halfPairs: readonly string[] = ['"\\ud800"', '"\\udc00"', '"a\\ud800b"', '"\\ude00\\ud83d"']

/** Each value as JSON text: what JSON can say goes beyond what a JavaScript value can. */
export function hostileJson({ ids, cursors }: Foreign): readonly string[] {
  const quoted = [...texts, ...moments, ...ids, ...cursors].map((text) => JSON.stringify(text))
  return [...quoted, ...halfPairs, ...numbers, ...structures]
}

/** The same as GraphQL literals, with what only those can say. */
export function hostileLiterals({ ids, cursors }: Foreign): readonly string[] {
  const quoted = [...texts, ...moments, ...ids, ...cursors].map((text) => JSON.stringify(text))
  return [
    ...quoted,
    ...halfPairs,
    ...numbers,
    ...['"\\u{110000}"', '"\\u{D800}"', '"""a\u0000b"""', '""" \n """', 'NaN', 'WORD', 'true', 'null', '$missing'],
    ...[
      '99999999999999999999999999',
      '-99999999999999999999.5e99',
      '[]',
      '{}',
      '[[]]',
      '{a: 1, a: 2}',
      '{__proto__: 1}',
    ],
    ...[nested(100, '[', ']'), nested(2_000, '[', ']'), nested(100, '{a: ', '}'), nested(2_000, '{a: ', '}')],
  ]
}

/** Pieces of a path or query as they go over the wire, percent-encoded or not. */
export function hostileSegments({ ids, cursors }: Foreign): readonly string[] {
  return [
    ...[...texts, ...moments, ...ids, ...cursors].map(encodeURIComponent),
    ...numbers,
    ...['%', '%0', '%zz', '%00', '%ff', '%c0%80', '%ed%a0%80', '%f4%90%80%80', '%2e%2e', '..%2f..', '%5c', '%252f'],
    ...[';', ':', '@', '&', '=', '+', '~', '!', '{id}', `${'x'.repeat(9_000)}`],
  ]
}

/** What may stand in a header. */
export function hostileHeaders({ ids, cursors }: Foreign): readonly string[] {
  const visible = texts.filter((text) => /^[\x20-\x7e]*$/.test(text))
  const own = [
    '*',
    'W/"1"',
    '"1"',
    '""',
    '"',
    'W/',
    '"-1"',
    '"99999999999999999999"',
    '\xff\xfe',
    'bytes=0-',
    'bytes=-1',
  ]
  const ranges = [
    'bytes=9-1',
    'bytes=0-0,2-3',
    'bytes=99999999999999999999-',
    'wait=0',
    'wait=-1',
    'wait=1e9x',
    ',;,',
    'q=9',
  ]
  return [...visible, ...moments, ...numbers, ...ids, ...cursors, ...own, ...ranges]
}

/** Whole bodies that are no JSON, or not what they say. */
export const hostileBodies: readonly (string | Buffer)[] = [
  '',
  ' ',
  '{',
  '{"a":',
  'nul',
  "{'a':1}",
  '{"a":1}{"a":2}',
  '[1,2',
  '"',
  '\ufeff{}',
  Buffer.from([0xff, 0xfe, 0x7b, 0x7d]),
  Buffer.from([0x00]),
  Buffer.from('{"a":"\xff"}', 'latin1'),
  Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
]

// RFC 9421: reading a signature and its base, against the vectors of the RFC and for any request.
import { createHmac, createSecretKey } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseDictionary, serializeDictionary } from 'structured-headers'
import {
  type MessageSignature,
  readMessageSignature,
  signatureBase,
  targetOf,
} from '../../src/credentials/message-signature.ts'
import { ed25519Key, isSignedBy, type SignatureKey } from '../../src/credentials/signature-key.ts'
import { readClaims, takenUntil } from '../../src/credentials/signature-profile.ts'
import { describeRequest } from '../../src/http/request-view.ts'

type Headers = readonly (readonly [string, string])[]

/** The request of appendix B.2. */
const RFC_HEADERS: Headers = [
  ['Host', 'example.com'],
  ['Date', 'Tue, 20 Apr 2021 02:07:55 GMT'],
  ['Content-Type', 'application/json'],
  [
    'Content-Digest',
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  ],
  ['Content-Length', '18'],
]
const URL = 'https://example.com/foo?param=Value&Pet=dog'

const requestWith = (more: Headers, url = URL) =>
  describeRequest({ method: 'POST', url, headers: [...RFC_HEADERS, ...more] })

function signed(more: Headers): MessageSignature {
  const read = readMessageSignature(requestWith(more))
  if ('mistake' in read) throw new Error(read.mistake)
  return read
}

const RFC_SECRET = Buffer.from(
  'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
  'base64',
)

const B25: Headers = [
  [
    'Signature-Input',
    'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
  ],
  ['Signature', 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:'],
]
const B26: Headers = [
  [
    'Signature-Input',
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
  ],
  [
    'Signature',
    'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
  ],
]

const keys: Readonly<Record<string, SignatureKey>> = {
  // The secret of the RFC has bytes; ours are characters.
  'B.2.5': { algorithm: 'hmac-sha256', key: createSecretKey(RFC_SECRET) },
  'B.2.6': ed25519Key('JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs'),
}

describe('the vectors of RFC 9421', () => {
  it.each([
    ['B.2.5', B25],
    ['B.2.6', B26],
  ])('%s verifies', (name, headers) => {
    const signature = signed(headers)
    const base = signatureBase(requestWith(headers), signature)
    const key = keys[name]
    if (!key || typeof base !== 'string') throw new Error('no base')
    expect(isSignedBy(key, base, signature.signature)).toBe(true)
    expect(isSignedBy(key, `${base} `, signature.signature)).toBe(false)
    expect(isSignedBy(key, base, signature.signature.subarray(1))).toBe(false)
  })

  it('B.2.6 has the base that the RFC prints', () => {
    expect(signatureBase(requestWith(B26), signed(B26))).toBe(
      [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
        '"content-type": application/json',
        '"content-length": 18',
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")' +
          ';created=1618884473;keyid="test-key-ed25519"',
      ].join('\n'),
    )
  })

  it.each([{ headers: B25 }, { headers: B26 }])(
    'not in the strict profile: a component is missing',
    ({ headers }) => {
      expect(readClaims(signed(headers))).toEqual({ mistake: expect.stringMatching(/^@\w+ is not covered$/) })
    },
  )
})

const NONE = 'sig=:AAAA:'
const reads = (input: string, signature = NONE, more: Headers = []) =>
  readMessageSignature(requestWith([['Signature-Input', input], ['Signature', signature], ...more]))

describe('what is no signature here', () => {
  it.each([
    ['two signatures', 'a=("date"), b=("date")', 'a=:AAAA:, b=:AAAA:'],
    ['one label twice', 'sig=("date"), sig=("@path")', NONE],
    ['another label', 'sig=("date")', 'other=:AAAA:'],
    ['a second signature value', 'sig=("date")', 'sig=:AAAA:, b=:AAAA:'],
    ['a component twice', 'sig=("date" "date")', NONE],
    ['a component with parameters', 'sig=("content-digest";key="sha-512")', NONE],
    ['a component of a related request', 'sig=("@method";req)', NONE],
    ['a component that is no string', 'sig=(date)', NONE],
    ['no list', 'sig="date"', NONE],
    ['a parameter twice', 'sig=("date");created=1;created=2', NONE],
    ['another spelling: spaces', 'sig=( "date" )', NONE],
    ['another spelling: a decimal', 'sig=("date");created=1.0', NONE],
    ['a signature that is a string', 'sig=("date")', 'sig="AAAA"'],
    ['a signature with parameters', 'sig=("date")', 'sig=:AAAA:;a'],
    ['bits beside the bytes', 'sig=("date")', 'sig=:AAB=:'],
    ['no padding', 'sig=("date")', 'sig=:AA:'],
    ['nothing', '', ''],
  ])('%s', (_what, input, signature) => {
    expect(reads(input, signature)).toEqual({ mistake: expect.any(String) })
  })

  it('a field twice', () => {
    expect(reads('sig=("date")', NONE, [['signature', NONE]])).toEqual({ mistake: expect.any(String) })
    expect(reads('sig=("date")', NONE, [['Signature-Input', 'b=("date")']])).toEqual({
      mistake: expect.any(String),
    })
  })

  it.each([
    '@status',
    '@target-uri',
    '@query-param',
    '@signature-params',
    '@body',
    'x-absent',
    'Date',
    'a\nb',
  ])('no base with %j', name => {
    const base = signatureBase(requestWith([]), { components: [name], input: '()' })
    expect(base).toEqual({ mistake: expect.any(String) })
  })

  it('no base with what is not ASCII', () => {
    const base = signatureBase(requestWith([['X-Name', 'Zoë']]), { components: ['x-name'], input: '()' })
    expect(base).toEqual({ mistake: expect.any(String) })
  })
})

describe('the parts of an address', () => {
  it.each([
    ['https://Example.COM:443', { authority: 'example.com', path: '/', query: '' }],
    ['http://example.com:80/a', { authority: 'example.com', path: '/a', query: '' }],
    ['https://example.com:80/a/../b//c?', { authority: 'example.com:80', path: '/a/../b//c', query: '?' }],
    ['https://[::1]:8443/%7e?a=b?c', { authority: '[::1]:8443', path: '/%7e', query: '?a=b?c' }],
  ])('%s', (url, target) => {
    expect(targetOf(url)).toEqual(target)
  })

  it.each([
    'ftp://example.com/',
    'https:///a',
    'https://user@example.com/',
    '/a',
    'https://a/#b',
    'https://a b/',
  ])('%j has none', url => {
    expect(targetOf(url)).toBeUndefined()
  })
})

describe('the strict profile', () => {
  const all = '"@method" "@authority" "@path" "@query"'
  const claimsOf = (components: string, parameters: string) => {
    const read = reads(`sig=(${components})${parameters}`)
    return 'mistake' in read ? read : readClaims(read)
  }
  const good = ';created=1000;expires=1300;nonce="n";keyid="k"'

  it('takes the components in any order, and others beside them', () => {
    const claims = { keyId: 'k', created: 1000, expires: 1300, algorithm: undefined }
    expect(claimsOf(all, good)).toEqual(claims)
    expect(claimsOf('"@query" "date" "@path" "@authority" "@method"', good)).toEqual(claims)
    expect(claimsOf(all, `;keyid="k";alg="ed25519";nonce="n";created=1000`)).toEqual({
      ...claims,
      expires: undefined,
      algorithm: 'ed25519',
    })
  })

  it.each([
    ['no method', '"@authority" "@path" "@query"', good],
    ['no authority', '"@method" "@path" "@query"', good],
    ['no path', '"@method" "@authority" "@query"', good],
    ['no query', '"@method" "@authority" "@path"', good],
    ['nothing', '', good],
    ['no created', all, ';nonce="n";keyid="k"'],
    ['created as text', all, ';created="1000";nonce="n";keyid="k"'],
    ['created at 0', all, ';created=0;nonce="n";keyid="k"'],
    ['a decimal', all, ';created=1000.5;nonce="n";keyid="k"'],
    ['it expires before it was created', all, ';created=1000;expires=1000;nonce="n";keyid="k"'],
    ['it expires too late', all, ';created=1000;expires=1301;nonce="n";keyid="k"'],
    ['no nonce', all, ';created=1000;keyid="k"'],
    ['an empty nonce', all, ';created=1000;nonce="";keyid="k"'],
    ['a nonce that is too long', all, `;created=1000;nonce="${'n'.repeat(129)}";keyid="k"`],
    ['no keyid', all, ';created=1000;nonce="n"'],
    ['a keyid that is a token', all, ';created=1000;nonce="n";keyid=k'],
    ['an alg that is a token', all, `${good};alg=ed25519`],
    ['a tag of another application', all, `${good};tag="other"`],
    ['an unknown parameter', all, `${good};strength=9`],
  ])('refuses: %s', (_what, components, parameters) => {
    expect(claimsOf(components, parameters)).toEqual({ mistake: expect.any(String) })
  })

  it('is taken for 300 s both ways, and not after its own end', () => {
    const at = (now: number, expires?: number) => takenUntil({ created: 1000, expires }, now)
    expect([699.9, 700, 1000, 1300, 1300.1].map(now => at(now))).toEqual([
      undefined,
      1300,
      1300,
      1300,
      undefined,
    ])
    expect([1074, 1075, 1075.5].map(now => at(now, 1060))).toEqual([1075, 1075, undefined])
    expect(at(1300, 1299)).toBe(1300)
  })
})

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/)
const value = fc.stringMatching(/^[\x20-\x7e]{0,24}$/)
const path = fc.stringMatching(/^\/[\w.~%/!$&'()*+,;=:@-]{0,20}$/)
const query = fc.stringMatching(/^(\?[\w.~%/?!$&'()*+,;=:@-]{0,20})?$/)

const anyRequest = fc.record({
  method: fc.stringMatching(/^[A-Z]{1,8}$/),
  host: fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}(:8\d{3})?$/),
  path,
  query,
  fields: fc.uniqueArray(fc.tuple(name, fc.array(value, { minLength: 1, maxLength: 3 })), {
    selector: ([field]) => field,
    maxLength: 4,
  }),
})
type AnyRequest = typeof anyRequest extends fc.Arbitrary<infer T> ? T : never

const viewOf = ({ method, host, path: at, query: sent, fields }: AnyRequest) =>
  describeRequest({
    method,
    url: `https://${host}${at}${sent}`,
    headers: fields.flatMap(([field, values]) => values.map(one => [field, one] as const)),
  })

/** As a signer who has read the RFC and not our code would write it. */
function signersBase({ method, host, path: at, query: sent, fields }: AnyRequest, input: string): string {
  return [
    ...fields.map(([field, values]) => `"${field}": ${values.map(one => one.trim()).join(', ')}`),
    `"@method": ${method}`,
    `"@authority": ${host}`,
    `"@path": ${at}`,
    `"@query": ${sent === '' ? '?' : sent}`,
    `"@signature-params": ${input}`,
  ].join('\n')
}

describe('any request', () => {
  const componentsOf = ({ fields }: AnyRequest) => [
    ...fields.map(([field]) => field),
    ...['@method', '@authority', '@path', '@query'],
  ]

  it('has the base that its signer wrote', () => {
    fc.assert(
      fc.property(anyRequest, value, (request, nonce) => {
        const inner = componentsOf(request).map(
          component => [component, new Map()] as [string, Map<string, never>],
        )
        const parameters = new Map<string, string | number>([
          ['created', 1],
          ['nonce', nonce],
        ])
        const field = serializeDictionary(new Map([['sig', [inner, parameters]]]))
        const base = signersBase(request, field.slice('sig='.length))
        const signature = createHmac('sha256', 'secret').update(base).digest('base64')
        const view = describeRequest({
          ...viewOf(request),
          headers: [
            ...viewOf(request).headers,
            ['Signature-Input', field],
            ['Signature', `sig=:${signature}:`],
          ],
        })
        const read = readMessageSignature(view)
        if ('mistake' in read) throw new Error(read.mistake)
        expect(signatureBase(view, read)).toBe(base)
        expect(read.signature.toString('base64')).toBe(signature)
      }),
    )
  })

  it('has another base when anything that is covered differs', () => {
    fc.assert(
      fc.property(anyRequest, anyRequest, (one, other) => {
        const components = componentsOf(one)
        const base = (request: AnyRequest) => signatureBase(viewOf(request), { components, input: '()' })
        const [first, second] = [base(one), base(other)]
        fc.pre(typeof first === 'string' && typeof second === 'string')
        const covered = (request: AnyRequest) =>
          JSON.stringify([
            [request.method, request.host, request.path, request.query.replace(/^\?$/, '')],
            one.fields.map(([field]) =>
              viewOf(request)
                .all(field)
                .map(text => text.trim())
                .join(', '),
            ),
          ])
        expect(first === second).toBe(covered(one) === covered(other))
      }),
    )
  })

  it('never fails on what stands in the fields', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.stringMatching(/^sig=[()" ;=:@a-z0-9*?,.-]{0,30}$/),
      fc.mixedCase(fc.constant('sig=("@method");created=1')),
    )
    fc.assert(
      fc.property(hostile, hostile, (input, signature) => {
        const read = reads(input, signature)
        if ('mistake' in read) return
        const field = `sig=${read.input}`
        expect(parseDictionary(field).size).toBe(1)
        readClaims(read)
        signatureBase(requestWith([]), read)
      }),
    )
  })
})

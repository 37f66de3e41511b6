// Claims are disjoint: over a generated corpus of requests no two kinds take the same credential for theirs, two explicit
// ones are always refused, and what a program sends by hand wins over what a connection or a browser shows by itself.
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Audit } from '../../src/audit/audit.ts'
import { createAuthenticate } from '../../src/credentials/authenticate.ts'
import type { CredentialKind } from '../../src/credentials/kind.ts'
import { createRefusals } from '../../src/credentials/refusals.ts'
import { Problem } from '../../src/http/problem.ts'
import { basic } from '../support/answers.ts'
import { createCertificate } from '../support/certificate.ts'
import { certificateHeader } from '../support/client-certificates.ts'
import { claimants, EXAMPLES, type Headers, ISSUER, kindsOnNothing, viewOf } from './claims.ts'

const CERTIFICATE = certificateHeader(createCertificate('anybody').cert)
const RUNS = 2_000

const word = fc.stringMatching(/^[\w.~+/-]{1,60}$/)
/** Tokens of ours, whole and spoilt, in every environment and with foreign prefixes. */
const minted = fc
  .tuple(
    fc.constantFrom('lk', 'acme', 'LK', 'l-k', ''),
    fc.constantFrom('live', 'test', 'prod', ''),
    fc.constantFrom('key', 'pat', 'KEY', 'sig', ''),
    fc.stringMatching(/^[0-9A-Za-z]{0,20}$/),
    fc.stringMatching(/^[0-9A-Za-z]{0,60}$/),
  )
  .map(parts => parts.join('_'))
const jwt = fc.tuple(word, word, word).map(parts => parts.join('.'))
const text = fc.oneof(word, minted, jwt, fc.constant(''), fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,40}$/))

const spelt = (...names: string[]) =>
  fc.constantFrom(...names.flatMap(name => [name, name.toLowerCase(), name.toUpperCase()]))

const authorization = fc.oneof(
  fc
    .tuple(spelt('Bearer', 'DPoP', 'ApiKey', 'Digest', 'Signature', 'Negotiate'), text)
    .map(pair => pair.join(' ')),
  fc.tuple(spelt('Basic'), text).map(pair => pair.join(' ')),
  fc.tuple(text, fc.oneof(text, minted)).map(([name, secret]) => basic(name, secret)),
  text,
)
const inputs = fc.oneof(
  text,
  fc.constantFrom(
    'sig=("@method" "@path");created=1;keyid="k";nonce="n"',
    'sig=()',
    'a=(), b=()',
    'keyId="k"',
  ),
)

/** One header that carries an explicit credential, if anything does. */
const explicit: fc.Arbitrary<Headers> = fc.oneof(
  authorization.map(value => ({ authorization: value })),
  fc.tuple(spelt('X-API-Key'), text).map(([name, value]) => ({ [name]: value })),
  fc.tuple(spelt('X-Service-Key'), text).map(([name, value]) => ({ [name]: value })),
)
const signed: fc.Arbitrary<Headers> = fc.oneof(
  fc.tuple(inputs, inputs).map(([input, signature]) => ({ 'signature-input': input, signature })),
  inputs.map(signature => ({ signature })),
  fc
    .tuple(fc.oneof(word, minted), text)
    .map(([key, signature]) => ({ 'x-api-key': key, 'x-signature': signature })),
)
const cookie: fc.Arbitrary<Headers> = fc
  .tuple(fc.constantFrom('latchkey_session', 'other', 'latchkey_session.sig'), text)
  .map(([name, value]) => ({ cookie: `a=b; ${name}=${value}` }))
const beside: fc.Arbitrary<Headers> = fc.oneof(
  fc.constant<Headers>({}),
  text.map(dpop => ({ dpop })),
  text.map(digest => ({ 'content-digest': digest })),
  fc.record({ 'x-timestamp': text, 'x-nonce': text }),
)

const PLACES = new Map(kindsOnNothing().map(({ name, place }) => [name, place]))
const explicitOf = (headers: Headers) => claimants(headers).filter(name => PLACES.get(name) === 'explicit')

/** The kinds, each of which says when it is asked to verify, and is content. */
function recording(asked: string[]): CredentialKind[] {
  const identity = {
    credentialId: 'x',
    subject: { type: 'client', id: 'x' },
    resource: null,
    scopes: [],
  } as const
  return kindsOnNothing().map(kind => ({
    ...kind,
    claim(request) {
      const verify = kind.claim(request)
      return (
        verify &&
        (async () => {
          asked.push(kind.name)
          return { kind: kind.name, ...identity }
        })
      )
    },
  }))
}

/** Who was asked to verify, and how the request was refused. */
async function present(headers: Headers): Promise<{ asked: string[]; status: number; code: string }> {
  const asked: string[] = []
  const audit = { recordLater: () => undefined } as unknown as Audit
  const resources = { find: async () => undefined }
  const authenticate = createAuthenticate({
    kinds: recording(asked),
    resources,
    refusals: createRefusals(ISSUER),
    audit,
  })
  try {
    await authenticate(viewOf(headers))
    return { asked, status: 200, code: '' }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return { asked, status: error.status, code: error.code }
  }
}

describe('claims', () => {
  it('of one credential are disjoint, whatever is in it and beside it', () => {
    fc.assert(
      fc.property(fc.oneof(explicit, signed), beside, (credential, more) => {
        expect(explicitOf({ ...more, ...credential }).length).toBeLessThanOrEqual(1)
      }),
      { numRuns: RUNS },
    )
  })

  it('of a cookie and of a certificate are of their own kind only', () => {
    fc.assert(
      fc.property(cookie, beside, (sent, more) => {
        expect(claimants({ ...more, ...sent }).filter(name => name !== 'session')).toEqual([])
        expect(claimants({ ...more, ...CERTIFICATE })).toEqual(['client-certificate'])
      }),
      { numRuns: RUNS / 4 },
    )
  })

  it('of two explicit credentials: refused, and nobody is asked to verify', async () => {
    const known = EXAMPLES.filter(({ kind }) => kind !== undefined && PLACES.get(kind) === 'explicit')
    const names = (headers: Headers) => Object.keys(headers).map(name => name.toLowerCase())
    for (const first of known) {
      for (const second of known) {
        const isTogether = names(first.headers).some(name => names(second.headers).includes(name))
        if (isTogether) continue
        const headers = { ...first.headers, ...second.headers }
        const { asked, status, code } = await present(headers)
        // The two halves of one signature are one credential.
        if (
          new Set([first.kind, second.kind]).size === 1 &&
          status !== 400 &&
          first.kind === 'signing-secret'
        )
          continue
        expect({ headers, asked, status, code }).toEqual({
          headers,
          asked: [],
          status: 400,
          code: 'ambiguous_credentials',
        })
      }
    }
  })

  it('of generated pairs: one of them is asked at most, and never one that is not there', async () => {
    await fc.assert(
      fc.asyncProperty(explicit, signed, beside, async (one, other, more) => {
        const headers = { ...more, ...one, ...other }
        const { asked } = await present(headers)
        expect(asked.length).toBeLessThanOrEqual(1)
        for (const name of asked) expect(explicitOf(headers)).toEqual([name])
      }),
      { numRuns: RUNS },
    )
  })

  it('an explicit one wins over a certificate, a certificate over a cookie; its answer is final', async () => {
    const session = { cookie: 'latchkey_session=SByyex9qmqYFAT6oIOqx-Zf0GtF4Rw5YqWGVjVfxW6G' }
    expect((await present({ ...session, ...CERTIFICATE })).asked).toEqual(['client-certificate'])
    expect((await present(session)).asked).toEqual(['session'])
    await fc.assert(
      fc.asyncProperty(fc.oneof(explicit, signed), async credential => {
        const alone = await present(credential)
        const together = await present({ ...session, ...CERTIFICATE, ...credential })
        const isNothing = explicitOf(credential).length === 0 && !('authorization' in credential)
        expect(together).toEqual(isNothing ? { asked: ['client-certificate'], status: 200, code: '' } : alone)
      }),
      { numRuns: RUNS / 2 },
    )
  })
})

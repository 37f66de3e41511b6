// Who claims a request, and what a credential must be good for: the rules alone, with kinds made for the purpose.
import { describe, expect, it } from '@jest/globals'
import type { Audit, AuditEvent } from '../../src/audit/audit.ts'
import { createAuthenticate } from '../../src/credentials/authenticate.ts'
import { checkWanted } from '../../src/credentials/check-wanted.ts'
import type { CredentialKind, Identity, Place, Wanted } from '../../src/credentials/kind.ts'
import { createRefusals } from '../../src/credentials/refusals.ts'
import type { ClientCertificate } from '../../src/http/client-certificate.ts'
import { Problem } from '../../src/http/problem.ts'
import { describeRequest } from '../../src/http/request-view.ts'

const refusals = createRefusals('https://id.test')

/** Claims by a header of its own; `bad` is refused, `broken` is refused before anything is asked. */
const kindAt = (name: string, place: Place, challenge?: string): CredentialKind => ({
  name,
  place,
  ...(challenge !== undefined && { challenge }),
  claim(request) {
    const value = request.header(`x-${name}`)
    if (value === undefined) return undefined
    if (value === 'broken') throw refusals.invalidCredential('broken')
    return async () => {
      if (value === 'bad') throw refusals.invalidCredential('bad')
      return { kind: name } as Identity
    }
  },
})

const kinds = [
  kindAt('cookie', 'cookie'),
  kindAt('certificate', 'certificate'),
  kindAt('key', 'explicit', 'ApiKey realm="x"'),
  kindAt('token', 'explicit', 'Bearer realm="x"'),
  kindAt('other-token', 'explicit', 'Bearer realm="x"'),
]

function asking() {
  const audited: AuditEvent[] = []
  const audit = { recordLater: (event: AuditEvent) => void audited.push(event) } as Audit
  const authenticate = createAuthenticate({
    kinds,
    resources: { find: async () => undefined },
    refusals,
    audit,
  })
  return {
    audited,
    async ask(headers: Record<string, string>, accepted?: readonly string[]): Promise<string> {
      const request = describeRequest({ method: 'GET', url: '/', headers: Object.entries(headers) })
      try {
        return (await authenticate(request, accepted && { kinds: accepted })).kind
      } catch (error) {
        if (error instanceof Problem) return `${error.status} ${error.code}`
        throw error
      }
    },
  }
}

const good = {
  key: { 'x-key': 'good' },
  certificate: { 'x-certificate': 'good' },
  cookie: { 'x-cookie': 'good' },
}

describe('who claims a request', () => {
  it.each<[string, Record<string, string>, readonly string[] | undefined, string]>([
    ['one explicit', good.key, undefined, 'key'],
    ['a certificate alone', good.certificate, undefined, 'certificate'],
    ['a cookie alone', good.cookie, undefined, 'cookie'],
    [
      'an explicit one wins over both',
      { ...good.cookie, ...good.certificate, ...good.key },
      undefined,
      'key',
    ],
    ['a certificate wins over a cookie', { ...good.cookie, ...good.certificate }, undefined, 'certificate'],
    [
      'a certificate that is not taken leaves the cookie',
      { ...good.cookie, ...good.certificate },
      ['cookie'],
      'cookie',
    ],
    [
      'an explicit one that is not taken leaves nothing',
      { ...good.cookie, ...good.key },
      ['cookie'],
      '401 unauthenticated',
    ],
    ['two explicit ones', { ...good.key, 'x-token': 'good' }, undefined, '400 ambiguous_credentials'],
    [
      'two explicit ones, one not taken',
      { ...good.key, 'x-token': 'good' },
      ['key'],
      '400 ambiguous_credentials',
    ],
    [
      'two explicit ones, both broken',
      { 'x-key': 'broken', 'x-token': 'broken' },
      undefined,
      '400 ambiguous_credentials',
    ],
    ['a bad one is final', { ...good.cookie, 'x-key': 'bad' }, undefined, '401 invalid_token'],
    ['a broken one is final', { ...good.cookie, 'x-key': 'broken' }, undefined, '401 invalid_token'],
    [
      'a bad certificate is final',
      { ...good.cookie, 'x-certificate': 'bad' },
      undefined,
      '401 invalid_token',
    ],
    ['a cookie where only keys are taken', good.cookie, ['key'], '401 unauthenticated'],
    [
      'a scheme that nobody knows',
      { ...good.cookie, authorization: 'Negotiate abc' },
      undefined,
      '401 unauthenticated',
    ],
    ['a bearer token that nobody knows', { authorization: 'bearer abc' }, undefined, '401 invalid_token'],
    ['nothing', {}, undefined, '401 unauthenticated'],
  ])('%s', async (_name, headers, accepted, outcome) => {
    expect(await asking().ask(headers, accepted)).toBe(outcome)
  })

  it('challenges with what the accepted kinds take, each once', () => {
    const challenged = (challenges: string[]) =>
      refusals.unauthenticated(challenges).headers['WWW-Authenticate']
    expect(challenged(['Bearer realm="x"', 'ApiKey realm="x"', 'Bearer realm="x"'])).toEqual([
      'Bearer realm="x"',
      'ApiKey realm="x"',
    ])
    expect(challenged([])).toEqual(['Bearer realm="https://id.test"'])
  })

  it('tells the audit why one was refused, and nothing about who sent none', async () => {
    const { ask, audited } = asking()
    await ask({})
    expect(audited).toEqual([])
    await ask({ 'x-key': 'bad' })
    expect(audited).toMatchObject([
      { type: 'credential_refused', outcome: 'refused', detail: { kind: 'key', status: 401, reason: 'bad' } },
    ])
  })
})

describe('a certificate that the client showed', () => {
  const day = 86_400_000
  const shownWith = async (from: number, to: number) => {
    const certificate: ClientCertificate = {
      der: Buffer.from('not looked at'),
      thumbprint: 'thumbprint',
      notBefore: new Date(Date.now() + from * day),
      notAfter: new Date(Date.now() + to * day),
      chain: [],
    }
    let seen: Wanted | undefined
    const told: string[] = []
    const kind: CredentialKind = {
      name: 'key',
      place: 'explicit',
      claim: () => async wanted => {
        seen = wanted
        return { kind: 'key' } as Identity
      },
    }
    const audit = { recordLater: () => undefined } as unknown as Audit
    const authenticate = createAuthenticate({
      resources: { find: async () => undefined },
      kinds: [kind],
      refusals,
      audit,
    })
    const request = describeRequest({ method: 'GET', url: '/', headers: [], certificate })
    await authenticate(request, { wanted: { explain: ({ detail }) => void told.push(detail) } })
    return { evidence: seen?.evidence, told }
  }

  it('is evidence while it is within its dates', async () => {
    expect(await shownWith(-1, 1)).toEqual({ evidence: { 'x5t#S256': 'thumbprint' }, told: ['key'] })
    const useless = {
      evidence: undefined,
      told: ['key, and a certificate that has expired or is not valid yet'],
    }
    expect(await shownWith(-2, -1)).toEqual(useless)
    expect(await shownWith(1, 2)).toEqual(useless)
    expect(await shownWith(Number.NaN, 1)).toEqual(useless)
  })
})

describe('what is wanted', () => {
  const credential = { audience: 'https://api.example.com', scopes: ['read', 'write'] }
  const outcome = (wanted: Parameters<typeof checkWanted>[2], more: object = {}) => {
    try {
      checkWanted(refusals, { ...credential, ...more }, wanted)
      return 'good'
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const challenge = [error.headers['WWW-Authenticate'] ?? []].flat()
      return [error.status, error.code, ...challenge]
    }
  }
  const invalid = [401, 'invalid_token', 'Bearer realm="https://id.test", error="invalid_token"']

  it('nothing: any credential will do', () => {
    expect(outcome({})).toBe('good')
    expect(outcome({}, { audience: null })).toBe('good')
  })

  it('a resource: only a credential for it', () => {
    expect(outcome({ resource: 'https://api.example.com' })).toBe('good')
    expect(outcome({ resource: 'https://api.example.com/' })).toEqual([403, 'wrong_audience'])
    expect(outcome({ resource: 'https://api.example.com' }, { audience: null })).toEqual([
      403,
      'wrong_audience',
    ])
  })

  it('scopes: all of them', () => {
    expect(outcome({ scopes: ['write', 'read'] })).toBe('good')
    expect(outcome({ scopes: ['read', 'admin'] })).toEqual([
      403,
      'insufficient_scope',
      'Bearer realm="https://id.test", error="insufficient_scope", scope="read admin"',
    ])
  })

  it('a wrong audience is said before a missing scope', () => {
    expect(outcome({ resource: 'https://other.example', scopes: ['admin'] })).toEqual([403, 'wrong_audience'])
  })

  it('a bound credential: only with every key it is bound to', () => {
    const bound = { cnf: { jkt: 'a', 'x5t#S256': 'b' } }
    expect(outcome({}, bound)).toEqual(invalid)
    expect(outcome({ evidence: { jkt: 'a' } }, bound)).toEqual(invalid)
    expect(outcome({ evidence: { jkt: 'b', 'x5t#S256': 'a' } }, bound)).toEqual(invalid)
    expect(outcome({ evidence: { jkt: 'a', 'x5t#S256': 'b' } }, bound)).toBe('good')
    expect(outcome({}, { cnf: { kid: 'c' } })).toEqual(invalid)
  })
})

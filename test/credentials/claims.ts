// Who claims what: the kinds on nothing at all, and one request of every sort.
import type { CredentialKind } from '../../src/credentials/kind.ts'
import { type CredentialKindsDeps, credentialKinds } from '../../src/credentials/kinds.ts'
import { createRefusals } from '../../src/credentials/refusals.ts'
import { readCertificateHeader } from '../../src/http/certificate-header.ts'
import { cookieNames } from '../../src/http/cookies.ts'
import { describeRequest } from '../../src/http/request-view.ts'
import { basic } from '../support/answers.ts'
import { createCertificate } from '../support/certificate.ts'
import { certificateHeader } from '../support/client-certificates.ts'

export type Headers = Record<string, string | string[]>

export const ISSUER = 'http://id.test'

/** One header of every sort that may carry a credential, and which kind it belongs to, if to one of today's. */
export const EXAMPLES: readonly { kind?: string; headers: Headers }[] = [
  { kind: 'access-token', headers: { authorization: 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln' } },
  { kind: 'access-token', headers: { authorization: 'bearer rE3UVdYeRXVC-WWn1aorBo1GmBH0DxZ2E2s017nRQLp' } },
  { kind: 'access-token', headers: { authorization: 'Bearer ' } },
  {
    kind: 'session',
    headers: { cookie: 'a=b; latchkey_session=SByyex9qmqYFAT6oIOqx-Zf0GtF4Rw5YqWGVjVfxW6G' },
  },
  { headers: {} },
  { kind: 'api-key', headers: { authorization: 'Bearer lk_live_key_0123456789abcdef_secret' } },
  { kind: 'api-key', headers: { authorization: 'ApiKey a-key-of-another-system' } },
  { kind: 'api-key', headers: { 'x-api-key': 'lk_live_key_0123456789abcdef_secret' } },
  { kind: 'api-key', headers: { 'X-Service-Key': '' } },
  { kind: 'personal-access-token', headers: { authorization: 'bearer lk_live_pat_0123456789abcdef_secret' } },
  { kind: 'personal-access-token', headers: { authorization: 'APIKEY lk_test_pat_' } },
  { kind: 'personal-access-token', headers: { 'x-service-key': 'lk_live_pat_0123456789abcdef_secret' } },
  { kind: 'client-secret', headers: { authorization: 'Basic YmlsbGluZzpzZWNyZXQ=' } },
  { kind: 'client-secret', headers: { authorization: 'bAsIc bm8gY29sb24' } },
  { kind: 'client-secret', headers: { authorization: 'Basic' } },
  { kind: 'client-secret', headers: { authorization: basic('any', 'lk_live_key_0123456789abcdef_secret') } },
  {
    kind: 'personal-access-token',
    headers: { authorization: basic('any', 'lk_live_pat_0123456789abcdef_secret') },
  },
  {
    kind: 'personal-access-token',
    headers: { authorization: basic('', 'lk_live_pat_0123456789abcdef_secret') },
  },
  {
    kind: 'access-token',
    headers: { authorization: 'DPoP rE3UVdYeRXVC-WWn1aorBo1GmBH0DxZ2E2s017nRQLp', dpop: 'proof' },
  },
  { kind: 'access-token', headers: { authorization: 'dpop eyJhbGciOiJFUzI1NiJ9.e30.c2ln' } },
  { kind: 'api-key', headers: { authorization: 'DPoP lk_live_key_0123456789abcdef_secret' } },
  { kind: 'personal-access-token', headers: { authorization: 'DPoP lk_live_pat_0123456789abcdef_secret' } },
  {
    kind: 'signing-secret',
    headers: { 'signature-input': 'sig=("@method");created=1;keyid="k"', signature: 'sig=:AAAA:' },
  },
  { kind: 'signing-secret', headers: { signature: 'keyId="k",algorithm="hs2019"' } },
  { kind: 'signing-secret', headers: { 'Signature-Input': '' } },
  { kind: 'signing-secret', headers: { 'X-API-Key': '0123456789abcdef', 'X-Signature': 'c0ffee' } },
  {
    kind: 'api-key',
    headers: { 'x-api-key': 'lk_live_key_0123456789abcdef_secret', 'x-signature': 'c0ffee' },
  },
  { kind: 'api-key', headers: { 'x-service-key': 'anything', 'x-signature': 'c0ffee' } },
  { kind: 'api-key', headers: { 'x-api-key': '0123456789abcdef', 'x-timestamp': '1', 'x-nonce': 'n' } },
  { headers: { 'x-signature': 'c0ffee', 'x-timestamp': '1', 'content-digest': 'sha-256=:AAAA:' } },
  { kind: 'client-certificate', headers: certificateHeader(createCertificate('someone').cert) },
  { headers: { dpop: 'proof' } },
  { headers: { 'x-other-key': 'lk_live_key_0123456789abcdef_secret' } },
  { headers: { cookie: 'latchkey_session.sig=abc; other_latchkey_session=abc; latchkey_csrf=abc' } },
]

/** The list of kinds on nothing: whatever a claim would ask of it throws. */
export function kindsOnNothing(): readonly CredentialKind[] {
  const nothing = new Proxy(
    {},
    {
      get: (_target, name) => {
        throw new Error(`a claim used ${String(name)}`)
      },
    },
  )
  const deps = {
    db: nothing,
    clients: nothing,
    resources: nothing,
    revocations: nothing,
    accessTokens: nothing,
    dpop: nothing,
    verifyMinted: nothing,
    apiKeyHeader: 'x-service-key',
  }
  return credentialKinds({
    ...deps,
    refusals: createRefusals(ISSUER),
    cookies: cookieNames(ISSUER),
    ownResource: `${ISSUER}/v1`,
    findSession: () => Promise.reject(new Error('a claim looked for a session')),
  } as unknown as CredentialKindsDeps)
}

export function viewOf(headers: Headers) {
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map(value => [name, value] as const),
  )
  const valuesOf = (name: string) => pairs.filter(([sent]) => sent === name).map(([, value]) => value)
  return describeRequest({
    method: 'GET',
    url: `${ISSUER}/v1/credentials/self`,
    headers: pairs.filter(([name]) => name !== 'client-cert'),
    certificate: readCertificateHeader('rfc9440', valuesOf),
  })
}

/** The kinds that claim it; one that says "mine, but broken" claims it too. */
export function claimants(headers: Headers): string[] {
  return kindsOnNothing()
    .filter(kind => {
      try {
        return kind.claim(viewOf(headers)) !== undefined
      } catch {
        return true
      }
    })
    .map(({ name }) => name)
}

// What a resource demands beside one credential: the rules alone, with kinds made for the purpose.
import { describe, expect, it } from '@jest/globals'
import type { Audit, AuditEvent } from '../../src/audit/audit.ts'
import { createAuthenticate } from '../../src/credentials/authenticate.ts'
import type { Check } from '../../src/credentials/checks.ts'
import type { CredentialKind, Identity, Place, Wanted } from '../../src/credentials/kind.ts'
import { createRefusals } from '../../src/credentials/refusals.ts'
import { Problem } from '../../src/http/problem.ts'
import { describeRequest } from '../../src/http/request-view.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { LAYERS, rangesFrom } from '../../src/resources/resource-layers.ts'
import { kindsOnNothing } from './claims.ts'

const refusals = createRefusals('https://id.test')
const RESOURCE = 'https://api.example.com'

/** Claims by a header of its own. `<client>` is a good one of that client, `nobody` of none; the others are refusals. */
function kindAt(name: string, place: Place, spent: string[]): CredentialKind {
  const refusal: Readonly<Record<string, () => Problem>> = {
    bad: () => refusals.invalidCredential('bad'),
    foreign: refusals.wrongAudience,
    useless: () => refusals.insufficientScope(['read']),
    elsewhere: refusals.addressNotAllowed,
    busy: () => refusals.rateLimited(),
  }
  return {
    name,
    place,
    challenge: `${name} realm="x"`,
    claim(request) {
      const value = request.header(`x-${name}`)
      if (value === undefined) return undefined
      return async wanted => {
        const refused = refusal[value]?.()
        wanted.explain?.({ name: 'good', passed: !refused, detail: `it is ${value}` })
        if (refused) throw refused
        if (!wanted.explain) spent.push(`${name} for ${wanted.scopes?.join(' ') ?? 'nothing'}`)
        return { kind: name, ...(value !== 'nobody' && { clientId: value }) } as Identity
      }
    },
  }
}

type Demands = Partial<Pick<Resource, 'layers'>> & { addresses?: string[] }

async function asking(
  { layers = [], addresses }: Demands,
  headers: Record<string, string>,
  { address = '', explain = false, wanted = {} as Wanted, tentative = false } = {},
) {
  const audited: AuditEvent[] = []
  const spent: string[] = []
  const checks: Check[] = []
  const resource = { layers, allowedAddresses: rangesFrom(addresses) } as unknown as Resource
  const authenticate = createAuthenticate({
    kinds: [
      kindAt('session', 'cookie', spent),
      kindAt('client-certificate', 'certificate', spent),
      kindAt('api-key', 'explicit', spent),
      kindAt('personal-access-token', 'explicit', spent),
    ],
    resources: { find: async identifier => (identifier === RESOURCE ? resource : undefined) },
    refusals,
    audit: { recordLater: (event: AuditEvent) => void audited.push(event) } as Audit,
  })
  const request = describeRequest({ method: 'GET', url: '/', headers: Object.entries(headers), address })
  const all: Wanted = {
    resource: RESOURCE,
    scopes: ['read'],
    ...wanted,
    ...(explain && { explain: check => void checks.push(check) }),
  }
  try {
    const { kind } = await authenticate(request, { wanted: all, tentative })
    return { outcome: kind, spent, audited, checks }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { status, code, members } = error
    const challenge = error.headers['WWW-Authenticate']
    const outcome = [status, code, members.missing_layer].filter(part => part !== undefined).join(' ')
    return { outcome, spent, audited, checks, challenge }
  }
}

const LAYERED: Demands = { layers: ['client-certificate', 'api-key', 'personal-access-token'] }
const both = { 'x-client-certificate': 'acme', 'x-api-key': 'acme' }

describe('a certificate and one explicit credential', () => {
  it.each<[string, Record<string, string>, string]>([
    ['both, of one client', both, 'api-key'],
    ['both, the explicit one of nobody in particular', { ...both, 'x-api-key': 'nobody' }, 'api-key'],
    ['both and a cookie', { ...both, 'x-session': 'acme' }, 'api-key'],
    ['nothing', {}, '401 unauthenticated credential'],
    ['the certificate alone', { 'x-client-certificate': 'acme' }, '401 unauthenticated credential'],
    [
      'the certificate and a cookie',
      { 'x-client-certificate': 'acme', 'x-session': 'acme' },
      '401 unauthenticated credential',
    ],
    ['a cookie alone', { 'x-session': 'acme' }, '401 unauthenticated credential'],
    ['the explicit one alone', { 'x-api-key': 'acme' }, '403 missing_layer client-certificate'],
    ['a bad one alone', { 'x-api-key': 'bad' }, '403 missing_layer client-certificate'],
    ['a bad one and the certificate', { ...both, 'x-api-key': 'bad' }, '401 invalid_token'],
    ['one that lacks the scope', { ...both, 'x-api-key': 'useless' }, '403 insufficient_scope'],
    [
      'a certificate that is not good',
      { ...both, 'x-client-certificate': 'bad' },
      '403 missing_layer client-certificate',
    ],
    [
      'one for another resource',
      { ...both, 'x-client-certificate': 'foreign' },
      '403 missing_layer client-certificate',
    ],
    [
      'one without a scope there',
      { ...both, 'x-client-certificate': 'useless' },
      '403 missing_layer client-certificate',
    ],
    [
      "another client's",
      { ...both, 'x-client-certificate': 'other' },
      '403 missing_layer client-certificate',
    ],
    [
      'one that may not be used from there',
      { ...both, 'x-client-certificate': 'elsewhere' },
      '403 address_not_allowed',
    ],
    ['one that is used too often', { ...both, 'x-client-certificate': 'busy' }, '429 rate_limited'],
    ['two explicit ones', { ...both, 'x-personal-access-token': 'nobody' }, '400 ambiguous_credentials'],
  ])('%s: %s', async (_name, headers, outcome) => {
    expect((await asking(LAYERED, headers)).outcome).toBe(outcome)
  })

  it('a kind that is not among the layers is as good as none', async () => {
    const only: Demands = { layers: ['client-certificate', 'api-key'] }
    const { outcome, challenge } = await asking(only, {
      'x-client-certificate': 'acme',
      'x-personal-access-token': 'nobody',
    })
    expect(outcome).toBe('401 unauthenticated credential')
    expect(challenge).toEqual(['api-key realm="x"'])
    const bearer = await asking(only, { ...both, 'x-api-key': 'acme', authorization: 'Bearer x' })
    expect(bearer.outcome).toBe('api-key')
    expect((await asking(only, { 'x-client-certificate': 'acme', authorization: 'Bearer x' })).outcome).toBe(
      '401 invalid_token credential',
    )
  })

  it('nothing of a credential is spent before its certificate is good and belongs to it', async () => {
    for (const [name, spent] of [
      ['bad', []],
      ['foreign', []],
      ['other', ['client-certificate for nothing']],
      ['acme', ['client-certificate for nothing', 'api-key for read']],
    ] as const)
      expect((await asking(LAYERED, { ...both, 'x-client-certificate': name })).spent).toEqual(spent)
    expect((await asking(LAYERED, { 'x-api-key': 'acme' })).spent).toEqual([])
  })

  it('a refusal is in the audit with what was wrong, and nothing of who sent nothing', async () => {
    const { audited } = await asking(LAYERED, { ...both, 'x-client-certificate': 'other' })
    expect(audited).toMatchObject([
      {
        type: 'credential_refused',
        detail: { kind: 'api-key', code: 'missing_layer', reason: 'it belongs to another client' },
      },
    ])
    expect((await asking(LAYERED, {})).audited).toEqual([])
  })

  it('elsewhere each is enough', async () => {
    for (const wanted of [{ resource: 'https://other.example' }, { resource: undefined }] as Wanted[]) {
      const outcome = async (headers: Record<string, string>) =>
        (await asking(LAYERED, headers, { wanted })).outcome
      expect(await outcome({ 'x-api-key': 'acme' })).toBe('api-key')
      expect(await outcome({ 'x-client-certificate': 'acme' })).toBe('client-certificate')
    }
  })
})

it('every kind that a program shows by itself can be a layer, and no other', () => {
  const explicit = kindsOnNothing().filter(({ place }) => place !== 'cookie')
  expect(explicit.map(({ name }) => name).sort()).toEqual([...LAYERS].sort())
})

describe('addresses', () => {
  const near: Demands = { addresses: ['192.0.2.0/24', '2001:db8::/32'] }

  it.each<[string, string]>([
    ['192.0.2.9', 'api-key'],
    ['::ffff:192.0.2.9', 'api-key'],
    ['2001:db8::1', 'api-key'],
    ['198.51.100.1', '403 address_not_allowed address'],
    ['', '403 address_not_allowed address'],
    ['unknown', '403 address_not_allowed address'],
  ])('%j: %s', async (address, outcome) => {
    expect((await asking(near, { 'x-api-key': 'acme' }, { address })).outcome).toBe(outcome)
  })

  it('are asked first, of whoever asks, and whoever asks may know the address better', async () => {
    expect((await asking(near, {})).outcome).toBe('403 address_not_allowed address')
    expect((await asking(near, { 'x-api-key': 'bad' })).outcome).toBe('403 address_not_allowed address')
    expect((await asking(near, {}, { address: '192.0.2.1' })).outcome).toBe('401 unauthenticated')
    const wanted = { address: '192.0.2.1' }
    expect((await asking(near, { 'x-session': 'acme' }, { address: '203.0.113.1', wanted })).outcome).toBe(
      'session',
    )
  })
})

describe('explained', () => {
  const all: Demands = { ...LAYERED, addresses: ['192.0.2.0/24'] }
  const layersOf = (checks: readonly Check[]) =>
    checks.map(({ name, passed, detail }) => `${passed ? '+' : '-'} ${name}: ${detail}`)

  it('names each layer that is there', async () => {
    const { outcome, checks, spent } = await asking(all, both, { address: '192.0.2.1', explain: true })
    expect(outcome).toBe('api-key')
    expect(layersOf(checks)).toEqual([
      '+ presented: api-key',
      '+ layer_address: it is taken from 192.0.2.0/24; this is 192.0.2.1',
      '+ layer_credential: it is of the kind api-key',
      '+ layer_certificate: it is registered for acme',
      '+ good: it is acme',
    ])
    expect(spent).toEqual([])
  })

  it('names each that is missing, and goes on; the answer is that of the first', async () => {
    const { outcome, checks, audited } = await asking(all, { 'x-api-key': 'bad' }, { explain: true })
    expect(outcome).toBe('403 address_not_allowed address')
    expect(layersOf(checks)).toEqual([
      '+ presented: api-key',
      '- layer_address: it is taken from 192.0.2.0/24; this is not known',
      '+ layer_credential: it is of the kind api-key',
      '- layer_certificate: no certificate was shown',
      '- good: it is bad',
    ])
    expect(audited).toEqual([])
    const foreign = await asking(LAYERED, { 'x-client-certificate': 'foreign' }, { explain: true })
    expect(foreign.outcome).toBe('401 unauthenticated credential')
    expect(layersOf(foreign.checks)).toEqual([
      '- presented: none',
      '- layer_credential: none of api-key, personal-access-token was shown',
      '- layer_certificate: good: it is foreign',
    ])
  })
})

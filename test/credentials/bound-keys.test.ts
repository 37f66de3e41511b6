// API keys and personal tokens that are bound to a certificate or to a DPoP key, through every door that judges them.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Confirmation } from '../../src/credentials/kind.ts'
import { createVerifier, Refusal } from '../../src/verifier/verifier.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { nonceOf } from '../support/bound-tokens.ts'
import { createSelfSigned, type Holder } from '../support/certificates.ts'
import { BEHIND_PROXY, shown } from '../support/certified.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { askForwardAuth, toldBy } from '../support/forward-auth.ts'
import { makeKey, makePersonalToken } from '../support/minted.ts'
import { billing, ORDERS } from '../support/orders.ts'
import { askVerify, doorsFile, pairsOf, relayed, resultOf, verifierToken } from '../verify/doors.ts'
import { askSelf, type Headers } from './kind.contract.ts'

const ADDRESS = `${ORDERS}/orders/7`
const DAY = 86_400_000
const own = createSelfSigned()
const foreign = createSelfSigned()
const dates = { notBefore: new Date(Date.now() - 2 * DAY), notAfter: new Date(Date.now() - DAY) }
const expired = createSelfSigned(dates)

let app: TestApp
let key: ProofKey
let foreignKey: ProofKey
beforeAll(async () => {
  app = await startApp(BEHIND_PROXY, doorsFile)
  key = await proofKey()
  foreignKey = await proofKey()
})
afterAll(() => app?.close())

/** What comes beside the credential. */
interface Beside {
  readonly holder?: Holder
  readonly key?: ProofKey
}

/** The answer of a door: what it says the credential is bound to, or the status. */
type Door = (token: string, beside: Beside) => Promise<Confirmation | number>

async function headersOf(token: string, { key: by }: Beside, url: string, nonce = true): Promise<Headers> {
  if (!by) return { authorization: `Bearer ${token}` }
  const proof = await by.proof({ method: 'GET', url, token, ...(nonce && { nonce: nonceOf(app) }) })
  return { authorization: `DPoP ${token}`, dpop: proof }
}

const doors: Record<string, Door> = {
  async 'our own API'(token, beside) {
    const headers = await headersOf(token, beside, `${app.issuer}/v1/credentials/self`)
    const { status, json } = await askSelf(app, { ...headers, ...shown(beside.holder) })
    return status === 200 ? (json().cnf as Confirmation) : status
  },

  async '/v1/verify'(token, beside) {
    const request = {
      method: 'GET',
      url: ADDRESS,
      headers: pairsOf(await headersOf(token, beside, ADDRESS)),
      ...(beside.holder && { client_certificate: beside.holder.cert }),
    }
    const caller = await verifierToken(app)
    const result = resultOf(await askVerify(app, caller, { request, resource: ORDERS }))
    const refusal = relayed(result)
    return refusal === 'allowed' ? (result.identity?.cnf as Confirmation) : refusal.status
  },

  async 'forward-auth'(token, beside) {
    const headers = { ...(await headersOf(token, beside, ADDRESS)), ...shown(beside.holder) }
    const answer = await askForwardAuth(app, { dialect: 'caddy' }, { url: ADDRESS, headers })
    if (answer.status !== 200) return toldBy('caddy', answer).status
    const [, payload = ''] = String(answer.headers['x-auth-identity']).split('.')
    return JSON.parse(Buffer.from(payload, 'base64url').toString()).cnf
  },

  async 'the verifier'(token, beside) {
    const { client_id: clientId, client_secret: clientSecret = '' } = billing
    const verifier = createVerifier({
      issuer: app.issuer,
      resource: ORDERS,
      credentials: { clientId, clientSecret },
      cacheSeconds: 60,
      report: () => undefined,
    })
    const request = async () =>
      new Request(ADDRESS, { headers: (await headersOf(token, beside, ADDRESS)) as Record<string, string> })
    const certificate = beside.holder && { certificate: beside.holder.cert }
    const outcome = async () =>
      verifier
        .verify(await request(), { ...certificate })
        .then(({ cnf = {} }) => cnf)
        .catch((error: unknown) => {
          if (error instanceof Refusal) return error.status
          throw error
        })
    // What it has kept for one caller it does not give to another.
    const first = await outcome()
    expect(await outcome()).toEqual(first)
    if (Object.keys(first).includes('x5t#S256'))
      await expect(verifier.verify(await request(), {})).rejects.toMatchObject({ status: 401 })
    return first
  },
}

const scopes = { [ORDERS]: ['read:orders'] }
const makers = {
  'an API key': (cnf: Confirmation) => makeKey(app, { scopes, cnf }),
  'a personal token': (cnf: Confirmation) => makePersonalToken(app, { scopes, cnf }),
}

const each = Object.entries(makers).flatMap(([what, make]) =>
  Object.entries(doors).map(([door, ask]) => ({ what, make, door, ask })),
)

describe.each(each)('$what at $door', ({ make, ask }) => {
  const outcomesOf = async (cnf: Confirmation, besides: readonly Beside[]) => {
    const { secret } = await make(cnf)
    const outcomes: unknown[] = []
    for (const beside of besides) outcomes.push(await ask(secret, beside))
    return outcomes
  }

  it('bound to a certificate, is good with that one alone, while it is within its dates', async () => {
    const cnf = { 'x5t#S256': own.thumbprint }
    const besides = [{ holder: own }, {}, { holder: foreign }, { key }]
    expect(await outcomesOf(cnf, besides)).toEqual([cnf, 401, 401, 401])
    const ended = { 'x5t#S256': expired.thumbprint }
    expect(await outcomesOf(ended, [{ holder: expired }])).toEqual([401])
  })

  it('bound to a DPoP key, is good with its proofs alone', async () => {
    const cnf = { jkt: key.jkt }
    const besides = [{ key }, {}, { key: foreignKey }, { holder: own }]
    expect(await outcomesOf(cnf, besides)).toEqual([cnf, 401, 401, 401])
  })

  it('bound to both, is good with both alone', async () => {
    const cnf = { jkt: key.jkt, 'x5t#S256': own.thumbprint }
    const besides = [{ key, holder: own }, { key }, { holder: own }, { key, holder: foreign }]
    const [good, ...bad] = await outcomesOf(cnf, besides)
    expect(good).toEqual(cnf)
    expect(bad).toEqual([401, 401, 401])
  })

  it('bound to nothing, takes no harm from a certificate', async () => {
    const { secret } = await makeKey(app, { scopes })
    for (const holder of [own, expired]) expect(await ask(secret, { holder })).not.toBe(401)
  })
})

describe.each(Object.entries(makers))('%s at /introspect', (_what, make) => {
  it('says what it is bound to: who asks has the request, and compares', async () => {
    for (const cnf of [{ 'x5t#S256': own.thumbprint }, { jkt: key.jkt }]) {
      const { secret } = await make(cnf)
      const { body } = await protocolPost(app.issuer, '/introspect', billing, { token: secret })
      expect(body).toMatchObject({ active: true, cnf })
    }
  })
})

it('a header that the API passes on proves nothing', async () => {
  const { secret } = await makeKey(app, { scopes, cnf: { 'x5t#S256': own.thumbprint } })
  const headers = pairsOf({ authorization: `Bearer ${secret}`, ...shown(own) })
  const caller = { authorization: `Bearer ${await verifierToken(app)}`, ...shown(own) }
  const body = { request: { method: 'GET', url: ADDRESS, headers }, resource: ORDERS }
  expect(relayed(resultOf(await askVerify(app, caller, body)))).toMatchObject({ status: 401 })
})

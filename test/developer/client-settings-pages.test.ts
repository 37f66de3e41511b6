// The pages of a client: private_key_jwt, PAR, DPoP, back-channel logout, devices, and the algorithm of its ID tokens.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Agent, Page } from '../support/agent.ts'
import type { TestApp } from '../support/app.ts'
import { EC, ED, KEY_MISTAKES, keySet, SETTING_MISTAKES } from '../support/client-settings.ts'
import { DEVICE_GRANT } from '../support/devices.ts'
import { TOKEN_EXCHANGE } from '../support/exchange.ts'
import { parse } from '../support/html.ts'
import { ORDERS } from '../support/orders.ts'
import { errorsOf, shownOnce } from '../support/signed-in-agent.ts'
import { type Acme, csrfOf, type Fields, startAcme } from './acme.ts'

let acme: Acme
let app: TestApp
let dan: Agent
beforeAll(async () => {
  acme = await startAcme()
  ;({ app, dan } = acme)
})
afterAll(() => app?.close())

const WEB = { client_name: 'Shop', redirect_uris: 'https://shop.example.com/callback' }
const KEYED = { ...WEB, token_endpoint_auth_method: 'private_key_jwt' }

const register = async (kind: string, fields: Fields): Promise<Page> =>
  dan.submit(await dan.get(`/clients/new?kind=${kind}`), fields, { button: 'Register' })

/** A client that was registered: its id. */
async function registered(kind: string, fields: Fields): Promise<string> {
  const page = await register(kind, fields)
  if (page.status !== 201) throw new Error(JSON.stringify(errorsOf(page)))
  return shownOnce(page, 'client-id')
}

const row = (id: string) =>
  app.db.selectFrom('client').selectAll().where('client_id', '=', id).executeTakeFirstOrThrow()

const textOf = async (path: string) => parse((await dan.get(path)).text).text

/** As a person types them: JSON as text, yes as a tick. */
const typed = (settings: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  )

describe('mistakes', () => {
  it.each([
    ...KEY_MISTAKES.map(([what, settings, path]) => [what, { ...KEYED, ...typed(settings) }, path] as const),
    ...SETTING_MISTAKES.filter(([, settings]) => Object.values(settings)[0] !== '').map(
      ([what, settings, path]) => [what, { ...WEB, ...typed(settings) }, path] as const,
    ),
  ])(
    '%s: said at the field, and what was typed is kept, but for private keys',
    async (_what, fields, path) => {
      const page = await register('web_server', fields)
      const [field = '', place] = path.split(/\.(.*)/)
      expect(page.status).toBe(422)
      const errors = errorsOf(page)
      expect(Object.keys(errors)).toEqual([field])
      if (place !== undefined) expect(errors[field]).toContain(`“${place}”`)
      expect(page.text).toContain('value="Shop"')
      const { jwks = '' } = fields as { jwks?: string }
      const isPrivate = /"[dk]":/.test(jwks)
      expect(parse(page.text).text.includes(jwks)).toBe(!isPrivate)
    },
  )

  const nul = String.raw`\u0000`
  it.each([
    ['no JSON', '-----BEGIN PUBLIC KEY-----', /JWK Set in JSON/],
    ['half of it', '{"keys": [', /JWK Set in JSON/],
    ['a list', `[${JSON.stringify(EC)}]`, /JWK Set in JSON/],
    ['a key alone', JSON.stringify(EC), /“keys” is missing/],
    ['U+0000', `{"keys":[{"kty":"EC","x":"${nul}"}]}`, /JWK Set in JSON/],
    ['a lone surrogate', String.raw`{"keys":[{"kty":"EC","x":"\ud800"}]}`, /JWK Set in JSON/],
    ['a deep hole', `{"keys":[{"kty":"EC","x":${'['.repeat(5000)}${']'.repeat(5000)}}]}`, /JWK Set in JSON/],
  ])('keys that are %s', async (_what, jwks, message) => {
    const page = await register('web_server', { ...KEYED, jwks })
    expect([page.status, errorsOf(page)]).toEqual([422, { jwks: expect.stringMatching(message) }])
  })

  it('a way to authenticate that does not exist', async () => {
    const page = await register('web_server', { ...WEB, token_endpoint_auth_method: 'client_secret_jwt' })
    expect(page.status).toBe(422)
    expect(parse(page.text).text).toContain('token_endpoint_auth_method must be one of client_secret_basic')
  })

  it('an algorithm that does not exist', async () => {
    const page = await register('web_server', { ...WEB, id_token_signed_response_alg: 'HS256' })
    expect(errorsOf(page)).toEqual({ id_token_signed_response_alg: expect.stringContaining('ES256') })
  })
})

describe('a client with a key of its own', () => {
  const jwks = JSON.stringify(keySet(EC, ED))

  it('is registered without a secret, and its page shows its keys', async () => {
    const page = await register('web_server', { ...KEYED, jwks, token_endpoint_auth_signing_alg: 'ES256' })
    expect(page.text).not.toContain('id="secret"')
    expect(shownOnce(page, 'snippet')).toContain('oidc.PrivateKeyJwt')
    const path = `/clients/${shownOnce(page, 'client-id')}`
    const shown = await dan.get(path)
    expect(parse(shown.text).text).toMatch(
      /so it has no secret\..*ec-1.*EC P-256.*OKP Ed25519.*Only .*ES256/s,
    )
    expect(shown.text).not.toContain(`${path}/secrets/new`)
    const refused = await dan.post(`${path}/secrets`, { csrf: await csrfOf(dan), expires_in: 'never' })
    expect(refused.status).toBe(409)
    expect(parse(refused.text).text).toContain('private_key_jwt')
  })

  it('is shown the address of its keys', async () => {
    const id = await registered('service', {
      client_name: 'Job',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://job.example.com/jwks',
    })
    expect(await textOf(`/clients/${id}`)).toContain('https://job.example.com/jwks')
    expect(await row(id)).toMatchObject({ jwks: null, jwks_uri: 'https://job.example.com/jwks' })
  })

  it('keeps its keys when something else is changed, and goes back to secrets', async () => {
    const id = await registered('web_server', { ...KEYED, jwks })
    const form = await dan.get(`/clients/${id}/edit`)
    expect(parse(form.text).text).toContain('"crv": "Ed25519"')
    const kept = { ...KEYED, client_name: 'Renamed', jwks: JSON.stringify(keySet(EC, ED), null, 2) }
    await dan.submit(form, kept, { button: 'Save changes' })
    expect(await row(id)).toMatchObject({ client_name: 'Renamed', jwks: keySet(EC, ED) })
    const secret = { ...kept, token_endpoint_auth_method: 'client_secret_basic' }
    await dan.submit(form, secret, { button: 'Save changes' })
    expect(await row(id)).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic', jwks: null })
    const page = await dan.get(`/clients/${id}`)
    expect(parse(page.text).text).toContain('It has no secret now')
    expect(page.text).toContain(`/clients/${id}/secrets/new`)
  })

  it('loses its secrets when it gets a key', async () => {
    const id = await registered('service', { client_name: 'Job', scope: [`${ORDERS} read:orders`] })
    const form = await dan.get(`/clients/${id}/edit`)
    await dan.submit(form, { ...KEYED, client_name: 'Job', jwks }, { button: 'Save changes' })
    const living = await app.db
      .selectFrom('client_secret')
      .selectAll()
      .where('client_id', '=', id)
      .where('revoked_at', 'is', null)
      .execute()
    expect(living).toEqual([])
  })
})

it('a client for devices', async () => {
  const page = await register('device', { client_name: 'TV', scope: [`${ORDERS} read:orders`] })
  expect(page.status).toBe(201)
  expect(page.text).not.toContain('id="secret"')
  expect(shownOnce(page, 'snippet')).toContain('initiateDeviceAuthorization')
  const id = shownOnce(page, 'client-id')
  expect(await row(id)).toMatchObject({
    application_type: 'native',
    grant_types: [DEVICE_GRANT, 'refresh_token'],
    token_endpoint_auth_method: 'none',
  })
  const shown = await textOf(`/clients/${id}`)
  expect(shown).toContain('Device or TV')
  expect(shown).not.toContain('Redirect URIs')
  const form = (await dan.get(`/clients/${id}/edit`)).text
  expect(form).not.toContain('name="redirect_uris"')
  expect(form).toContain('name="dpop_bound_access_tokens"')
})

it('protection is switched on and off again, and shown', async () => {
  const id = await registered('web_server', {
    ...WEB,
    require_pushed_authorization_requests: 'true',
    dpop_bound_access_tokens: 'true',
    backchannel_logout_uri: ' https://shop.example.com/out ',
    backchannel_logout_session_required: 'true',
    id_token_signed_response_alg: 'RS256',
  })
  expect(await row(id)).toMatchObject({
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
    backchannel_logout_uri: 'https://shop.example.com/out',
    backchannel_logout_session_required: true,
    id_token_signed_response_alg: 'RS256',
  })
  const shown = await textOf(`/clients/${id}`)
  for (const words of ['Only those sent ahead', 'Bound to a key', 'https://shop.example.com/out', 'RS256'])
    expect(shown).toContain(words)
  const form = await dan.get(`/clients/${id}/edit`)
  expect(form.text).toMatch(/<details class="disclosure" open/)
  await dan.submit(form, { ...WEB, id_token_signed_response_alg: 'ES256' }, { button: 'Save changes' })
  expect(await row(id)).toMatchObject({
    require_pushed_authorization_requests: false,
    dpop_bound_access_tokens: false,
    backchannel_logout_uri: null,
    backchannel_logout_session_required: false,
    id_token_signed_response_alg: 'ES256',
  })
})

it('exchanging tokens is allowed with a tick, and beside it the grant types stay', async () => {
  const id = await registered('service', { client_name: 'Gateway', token_exchange: 'true' })
  expect(await row(id)).toMatchObject({ grant_types: ['client_credentials', TOKEN_EXCHANGE] })
  const form = await dan.get(`/clients/${id}/edit`)
  expect(form.text).toMatch(/<details class="disclosure" open/)
  await dan.submit(form, { client_name: 'Gateway' }, { button: 'Save changes' })
  expect(await row(id)).toMatchObject({ grant_types: ['client_credentials'] })
  expect((await dan.get('/clients/new?kind=single_page')).text).not.toContain('token_exchange')
})

it('a client that registered itself is shown as one', async () => {
  const id = await registered('web_server', WEB)
  await app.db.updateTable('client').set({ registration: 'dynamic' }).where('client_id', '=', id).execute()
  expect(await textOf(`/clients/${id}`)).toContain('This client registered itself')
})

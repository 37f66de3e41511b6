// What a client says of its certificates: in the JSON API, at the pages and in the declarative file.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parseDeclarativeFile } from '../../src/admin/declarative-file.ts'
import type { Agent, Page } from '../support/agent.ts'
import { made } from '../support/api-callers.ts'
import { createSelfSigned } from '../support/certificates.ts'
import {
  CERTIFICATE_MISTAKES,
  FINE_CERTIFICATES,
  keyOf,
  named,
  OWN,
  registeredWith,
} from '../support/client-certificate-settings.ts'
import { EC, keySet, service } from '../support/client-settings.ts'
import { parse } from '../support/html.ts'
import { errorsOf, shownOnce } from '../support/signed-in-agent.ts'
import { type Acme, csrfOf, type Fields, startAcme } from './acme.ts'
import { startWorld, type World } from './world.ts'

describe('by JSON', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.app.close())

  it.each(FINE_CERTIFICATES)('%s: kept as it was sent', async (_what, settings) => {
    const client = await made(world.dev, '/v1/clients', service(settings))
    expect(client).toMatchObject({ secrets: [], ...settings })
    expect(client).not.toHaveProperty('secret')
    expect((await world.dev.call('GET', `/v1/clients/${client.client_id}`)).json()).toEqual(client)
  })

  it.each(CERTIFICATE_MISTAKES)('%s: refused, also as a change', async (_what, settings, path, message) => {
    const expected = [400, [{ path, message: expect.stringMatching(message) }]]
    const refused = await world.dev.call('POST', '/v1/clients', service(settings))
    expect([refused.status, refused.json().errors]).toEqual(expected)
    const { client_id: id } = await made(world.dev, '/v1/clients', service())
    const unchanged = await world.dev.call('PATCH', `/v1/clients/${id}`, settings)
    expect([unchanged.status, unchanged.json().errors]).toEqual(expected)
  })

  it('changes from one name to another, and loses its secrets on the way', async () => {
    const { client_id: id } = await made(world.dev, '/v1/clients', service())
    const change = async (body: object) => (await world.dev.call('PATCH', `/v1/clients/${id}`, body)).json()
    expect(await change(named({ tls_client_auth_san_dns: 'a.example' }))).toMatchObject({ secrets: [] })
    const other = { tls_client_auth_san_dns: null, tls_client_auth_san_uri: 'urn:a' }
    expect(await change(other)).toMatchObject(other)
    expect((await world.dev.call('POST', `/v1/clients/${id}/secrets`, {})).json()).toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('tls_client_auth'),
    })
  })
})

const SECRET = 'a-long-secret-for-tests-only-0123456789'

describe('in the declarative file', () => {
  const mistakesOf = (settings: object) => {
    const method = (settings as { token_endpoint_auth_method?: string }).token_endpoint_auth_method
    const client = {
      client_id: 'a',
      grant_types: ['client_credentials'],
      ...(method === undefined && { client_secret: SECRET }),
      ...settings,
    }
    try {
      parseDeclarativeFile(JSON.stringify({ clients: [client] }))
      return []
    } catch (error) {
      return (error as { mistakes: unknown[] }).mistakes
    }
  }

  it.each(FINE_CERTIFICATES)('%s', (_what, settings) => {
    expect(mistakesOf(settings)).toEqual([])
  })

  it.each(CERTIFICATE_MISTAKES)('%s: refused', (_what, settings, path, message) => {
    expect(mistakesOf(settings)).toEqual([
      { path: `clients[0].${path}`, message: expect.stringMatching(message) },
    ])
  })
})

describe('at the pages', () => {
  let acme: Acme
  let dan: Agent
  beforeAll(async () => {
    acme = await startAcme()
    ;({ dan } = acme)
  })
  afterAll(() => acme?.app.close())

  const register = async (fields: Fields): Promise<Page> =>
    dan.submit(
      await dan.get('/clients/new?kind=service'),
      { client_name: 'Job', ...fields },
      { button: 'Register' },
    )
  const registered = async (fields: Fields) => {
    const page = await register(fields)
    if (page.status !== 201) throw new Error(JSON.stringify(errorsOf(page)))
    expect(page.text).not.toContain('id="secret"')
    return shownOnce(page, 'client-id')
  }
  const row = (id: string) =>
    acme.app.db.selectFrom('client').selectAll().where('client_id', '=', id).executeTakeFirstOrThrow()
  const textOf = async (path: string) => parse((await dan.get(path)).text).text
  const byName = (name: string, value: string) =>
    named({ certificate_name: `tls_client_auth_${name}`, certificate_value: value })

  it('a name: shown, kept when something else is changed, and gone with another way', async () => {
    const id = await registered(byName('san_uri', ' spiffe://acme.example/job '))
    const stored = { name: 'tls_client_auth_san_uri', value: 'spiffe://acme.example/job' }
    expect(await row(id)).toMatchObject({ tls_client_auth: stored })
    expect(await textOf(`/clients/${id}`)).toMatch(/spiffe:\/\/acme\.example\/job/)
    const form = await dan.get(`/clients/${id}/edit`)
    expect(form.text).toContain('value="spiffe://acme.example/job"')
    const kept = { ...byName('san_uri', stored.value), client_name: 'Renamed' }
    await dan.submit(form, kept, { button: 'Save changes' })
    expect(await row(id)).toMatchObject({ client_name: 'Renamed', tls_client_auth: stored })
    const secret = { ...kept, token_endpoint_auth_method: 'client_secret_basic' }
    await dan.submit(form, secret, { button: 'Save changes' })
    expect(await row(id)).toMatchObject({ tls_client_auth: null })
  })

  it('certificates in PEM: their keys are registered with them, and they are shown', async () => {
    const next = createSelfSigned({ keyType: 'rsa' })
    const id = await registered(registeredWith({ certificates: `${OWN.cert}\n${next.cert}` }))
    expect(await row(id)).toMatchObject({ jwks: keySet(keyOf(OWN), keyOf(next)) })
    const shown = await textOf(`/clients/${id}`)
    for (const { thumbprint } of [OWN, next]) expect(shown).toContain(thumbprint)
    const form = await dan.get(`/clients/${id}/edit`)
    expect(parse(form.text).text).toContain(OWN.cert.trim())
    const refused = await dan.post(`/clients/${id}/secrets`, { csrf: await csrfOf(dan), expires_in: 'never' })
    expect(refused.status).toBe(409)
  })

  it('tokens bound twice: said above the form', async () => {
    const page = await register({
      dpop_bound_access_tokens: 'true',
      tls_client_certificate_bound_access_tokens: 'true',
    })
    expect(page.status).toBe(422)
    expect(parse(page.text).text).toContain('together with dpop_bound_access_tokens')
  })

  it('certificates are not asked about where none can get here', async () => {
    const form = await dan.get('/clients/new?kind=service')
    for (const name of ['tls_client_auth', 'certificates', 'tls_client_certificate_bound_access_tokens'])
      expect(form.text).not.toContain(`"${name}"`)
  })

  it('bound tokens', async () => {
    const bound = { tls_client_certificate_bound_access_tokens: 'true' }
    const id = await registered({ ...byName('san_dns', 'job.acme.example'), ...bound })
    expect(await row(id)).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
    expect(await textOf(`/clients/${id}`)).toContain('Bound to its certificate (mTLS)')
  })

  it.each([
    ['no name', byName('san_dns', ''), 'certificate_value', /Give what stands in its certificate/],
    ['a name that is none', byName('san_dns', 'a,b'), 'certificate_value', /must be a host name/],
    ['a name of no sort', named({ certificate_name: 'x' }), 'certificate_value', /Give what stands/],
    ['no certificates', registeredWith({}), 'certificates', /or their address/],
    ['what is no PEM', registeredWith({ certificates: 'x' }), 'certificates', /must be certificates in PEM/],
    [
      'a key beside a certificate',
      registeredWith({ certificates: `${OWN.cert}${OWN.key}` }),
      'certificates',
      /must be certificates in PEM/,
    ],
    [
      'a certificate cut short',
      registeredWith({ certificates: OWN.cert.replace(/\n.*\n/, '\n') }),
      'certificates',
      /must be certificates in PEM/,
    ],
    [
      'keys of another choice alone',
      registeredWith({ jwks: JSON.stringify(keySet(EC)) }),
      'certificates',
      /./,
    ],
  ] as const)('%s: said at the field', async (_what, fields, field, message) => {
    const page = await register(fields as Fields)
    expect([page.status, errorsOf(page)]).toEqual([422, { [field]: expect.stringMatching(message) }])
  })
})

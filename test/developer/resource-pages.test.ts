import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Agent } from '../support/agent.ts'
import type { TestApp } from '../support/app.ts'
import { parse } from '../support/html.ts'
import { ORDERS } from '../support/orders.ts'
import { errorsOf, shownOnce } from '../support/signed-in-agent.ts'
import { type Acme, csrfOf, type Fields, startAcme } from './acme.ts'

let acme: Acme
let app: TestApp
let dan: Agent
let vera: Agent
let otto: Agent
let root: Agent
beforeAll(async () => {
  acme = await startAcme()
  ;({ app, dan, vera, otto, root } = acme)
})
afterAll(() => app?.close())

describe('resources', () => {
  const SHOP = {
    name: 'Shop API',
    token_format: 'opaque',
    token_signing_alg: 'ES256',
    access_token_lifetime: '300',
    env: 'live',
    scope_name: ['read:shop', 'admin:shop', ''],
    scope_description: ['See the shop', 'Change the shop', ''],
    scope_restricted: ['1'],
  }
  const pathOf = (identifier: string) => `/resources/${encodeURIComponent(identifier)}`
  const add = async (who: Agent, identifier: string, fields: Fields = {}) =>
    who.submit(await who.get('/resources/new'), { ...SHOP, identifier, ...fields }, { button: 'Register' })

  it('are registered with their scopes, changed, and deleted', async () => {
    const identifier = 'https://shop.example.com'
    const made = await add(dan, identifier)
    expect(made.location).toBe(`${app.issuer}${pathOf(identifier)}`)
    const page = parse((await vera.get(pathOf(identifier))).text).text
    for (const words of ['Shop API', 'Opaque', '5 minutes', 'Change the shop Restricted'])
      expect(page).toContain(words)
    const form = await dan.get(`${pathOf(identifier)}/edit`)
    const changed = {
      ...SHOP,
      scope_name: ['read:shop'],
      scope_description: ['Look around'],
      scope_restricted: [],
    }
    await dan.submit(form, changed, { button: 'Save changes' })
    const after = parse((await dan.get(pathOf(identifier))).text).text
    expect(after).toContain('Look around')
    expect(after).not.toContain('admin:shop')
    const confirm = await dan.get(`${pathOf(identifier)}/delete`)
    expect((await dan.submit(confirm, {}, { button: 'Delete' })).location).toBe(`${app.issuer}/resources`)
    expect((await dan.get(pathOf(identifier))).status).toBe(404)
  })

  it('say what their JWTs are signed with, and only where they have any', async () => {
    const identifier = 'https://signed.example.com'
    const signed = { token_format: 'jwt', token_signing_alg: 'RS256' }
    const made = await add(dan, identifier, signed)
    expect(made.location).toBe(`${app.issuer}${pathOf(identifier)}`)
    expect(parse((await vera.get(pathOf(identifier))).text).text).toContain('JWTs are signed withRS256')
    const form = await dan.get(`${pathOf(identifier)}/edit`)
    expect(form.text).toMatch(/<option value="RS256" selected/)
    await dan.submit(form, { ...SHOP, ...signed, token_signing_alg: 'EdDSA' }, { button: 'Save changes' })
    expect(parse((await vera.get(pathOf(identifier))).text).text).toContain('JWTs are signed withEdDSA')
    await dan.submit(form, { ...SHOP, token_format: 'opaque' }, { button: 'Save changes' })
    expect((await vera.get(pathOf(identifier))).text).not.toContain('JWTs are signed with')
  })

  it('may demand a certificate beside the credential, and addresses', async () => {
    const identifier = 'https://layered.example.com'
    const demands = {
      layers: ['client-certificate', 'api-key'],
      allowed_addresses: '192.0.2.0/24\n2001:db8::1\n',
    }
    const refused = await add(dan, identifier, { ...demands, token_format: 'jwt', layers: ['api-key'] })
    expect(refused.status).toBe(422)
    expect(Object.keys(errorsOf(refused))).toEqual(['token_format', 'layers'])
    const wrong = await add(dan, identifier, { allowed_addresses: '192.0.2.0/24\nat home' })
    expect(errorsOf(wrong).allowed_addresses).toContain('“at home” must be an address')
    const made = await add(dan, identifier, demands)
    expect(made.location).toBe(`${app.issuer}${pathOf(identifier)}`)
    const page = parse((await vera.get(pathOf(identifier))).text).text
    expect(page).toContain('A client certificate, and beside it: API key')
    expect(page).toContain('2001:db8::1/128')
    const form = await dan.get(`${pathOf(identifier)}/edit`)
    expect(form.text).toMatch(/value="client-certificate" checked/)
    expect(form.text).toContain('192.0.2.0/24\n2001:db8::1/128</textarea>')
    await dan.submit(form, { ...SHOP, ...demands }, { button: 'Save changes' })
    expect(parse((await vera.get(pathOf(identifier))).text).text).toContain('beside it: API key')
    await dan.submit(form, { ...SHOP, layers: [], allowed_addresses: '' }, { button: 'Save changes' })
    const after = parse((await vera.get(pathOf(identifier))).text).text
    for (const words of ['beside it', '192.0.2.0']) expect(after).not.toContain(words)
  })

  it('show the document that the API may publish, where it can have one', async () => {
    await add(dan, 'https://shop.example.com/mcp')
    const page = await vera.get(pathOf('https://shop.example.com/mcp'))
    expect(page.text).toContain('https://shop.example.com/.well-known/oauth-protected-resource/mcp')
    expect(JSON.parse(shownOnce(page, 'metadata'))).toEqual({
      resource: 'https://shop.example.com/mcp',
      authorization_servers: [app.issuer],
      scopes_supported: ['read:shop'],
      bearer_methods_supported: ['header'],
      resource_name: 'Shop API',
    })
    await add(dan, 'urn:example:shop')
    expect((await vera.get(pathOf('urn:example:shop'))).text).not.toContain('oauth-protected-resource')
  })

  it('are opened to applications that registered themselves, scope by scope', async () => {
    const identifier = 'https://open.example.com'
    await add(dan, identifier, { scope_self_registered: ['0'] })
    const open = async () => parse((await dan.get(pathOf(identifier))).text).text
    expect(await open()).toContain('See the shop Any application')
    const form = await dan.get(`${pathOf(identifier)}/edit`)
    expect(form.text).toMatch(/name="scope_self_registered"[^>]*value="1"[^>]* checked/)
    await dan.submit(form, { ...SHOP, scope_self_registered: [] }, { button: 'Save changes' })
    expect(await open()).not.toContain('Any application')
  })

  it('give more rows without losing what was typed, and without writing anything', async () => {
    const page = await add(dan, 'https://rows.example.com', { more_rows: 'true' })
    expect(page.status).toBe(200)
    expect(page.text.match(/name="scope_name"/g)).toHaveLength(5)
    expect(page.text).toContain('value="admin:shop"')
    expect((await dan.get(pathOf('https://rows.example.com'))).status).toBe(404)
  })

  it.each<[string, Fields, Record<string, unknown>]>([
    [
      'an identifier that is none',
      { identifier: 'shop' },
      { identifier: expect.stringContaining('absolute URI') },
    ],
    [
      'an identifier that is taken',
      { identifier: ORDERS },
      { identifier: expect.stringContaining('is taken') },
    ],
    [
      'a scope that is none',
      { scope_name: ['a b', '', ''], scope_description: ['x', '', ''] },
      { scopes: expect.stringMatching(/^“a b” is not a scope/) },
    ],
    [
      'a scope that nobody can read',
      { scope_description: ['', 'x', ''] },
      { scopes: expect.stringMatching(/^The description of “read:shop” must be/) },
    ],
    ['a scope twice', { scope_name: ['a', 'a', ''] }, { scopes: '“a” is there twice: keep one.' }],
    [
      'an algorithm that there is not',
      { token_signing_alg: 'HS256' },
      { token_signing_alg: expect.stringContaining('must be one of ES256, EdDSA, RS256') },
    ],
    ['an environment that there is not', { env: 'moon' }, { env: expect.stringContaining('must be one of') }],
    [
      'a lifetime that is none',
      { access_token_lifetime: 'x' },
      { access_token_lifetime: expect.stringContaining('Tokens live for must be') },
    ],
    ['a scope called __proto__', { scope_name: ['__proto__', '', ''] }, { scopes: expect.anything() }],
  ])('are refused with %s', async (_what, fields, errors) => {
    const page = await add(dan, 'https://refused.example.com', fields)
    expect([page.status, errorsOf(page)]).toEqual([422, errors])
    expect(page.text).toContain('Shop API')
  })

  it('are for members by role', async () => {
    expect((await vera.get('/resources')).text).toContain('Orders API')
    expect((await vera.get('/resources')).text).not.toContain('href="/resources/new"')
    expect((await otto.get('/resources')).text).toContain('No resources yet')
    expect((await vera.get(`${pathOf(ORDERS)}/edit`)).status).toBe(403)
    expect((await otto.get(pathOf(ORDERS))).status).toBe(404)
    const [ofVera, ofOtto] = [await csrfOf(vera), await csrfOf(otto)]
    for (const form of ['/edit', '/delete']) {
      expect((await vera.post(`${pathOf(ORDERS)}${form}`, { csrf: ofVera, ...SHOP })).status).toBe(403)
      expect((await otto.post(`${pathOf(ORDERS)}${form}`, { csrf: ofOtto, ...SHOP })).status).toBe(404)
    }
    const page = await vera.post('/resources', { csrf: ofVera, identifier: 'https://v.example.com', ...SHOP })
    expect(page.status).toBe(403)
  })

  it('of the server itself are looked at by administrators and changed by nobody', async () => {
    const own = pathOf(`${app.issuer}/v1`)
    expect((await root.get('/resources')).text).toContain('Latchkey API')
    expect((await root.get(own)).text).toContain('API of this server itself')
    expect((await root.get(`${own}/edit`)).status).toBe(404)
    expect((await root.post(`${own}/delete`, { csrf: await csrfOf(root) })).status).toBe(404)
  })
})

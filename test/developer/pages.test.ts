import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Agent, Page } from '../support/agent.ts'
import type { TestApp } from '../support/app.ts'
import { parse } from '../support/html.ts'
import { ORDERS } from '../support/orders.ts'
import { errorsOf, shownOnce } from '../support/signed-in-agent.ts'
import { newKeyPair, type Signer, signMessage } from '../support/signing.ts'
import { type Acme, csrfOf, type Fields, startAcme } from './acme.ts'

let acme: Acme
let app: TestApp
let ada: Agent
let dan: Agent
let vera: Agent
let otto: Agent
let bob: Agent
let root: Agent
beforeAll(async () => {
  acme = await startAcme()
  ;({ app, ada, dan, vera, otto, bob, root } = acme)
})
afterAll(() => app?.close())

const WEB = {
  client_name: 'Shop',
  redirect_uris: 'https://shop.example.com/callback',
  scope: [`${ORDERS} read:orders`],
}
const SERVICE = { client_name: 'Nightly job', scope: [`${ORDERS} read:orders`] }

const register = async (who: Agent, kind: string, fields: Fields): Promise<Page> =>
  who.submit(await who.get(`/clients/new?kind=${kind}`), fields, { button: 'Register' })

async function newService(): Promise<{ id: string; secret: string; path: string }> {
  const page = await register(dan, 'service', SERVICE)
  const id = shownOnce(page, 'client-id')
  return { id, secret: shownOnce(page), path: `/clients/${id}` }
}

const token = async (id: string, secret: string) => {
  const body = new URLSearchParams({ grant_type: 'client_credentials', resource: ORDERS })
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  const answer = await fetch(`${app.issuer}/token`, { method: 'POST', body, headers: { authorization } })
  return answer.status
}

describe('clients', () => {
  it('are listed for the members of their organization', async () => {
    for (const who of [ada, dan, vera]) {
      const page = await who.get('/clients')
      expect(page.text).toContain('href="/clients/orders-web"')
      expect(page.text).not.toContain('Our own portal')
    }
    expect((await vera.get('/clients')).text).not.toContain('href="/clients/new"')
    expect((await otto.get('/clients')).text).toContain('No clients yet')
    expect((await bob.get('/clients')).text).toContain('you are not a member of one')
    expect((await bob.get('/clients')).text).not.toContain('href="/clients/new"')
    expect((await bob.get('/account')).text).not.toContain('href="/clients"')
    expect((await vera.get('/account')).text).toContain('href="/clients"')
  })

  it.each(['web_server', 'single_page', 'mobile', 'command_line', 'service'])(
    'are registered as %s, with its settings and code to begin with',
    async kind => {
      expect((await dan.get('/clients/new')).text).toContain(`href="/clients/new?kind=${kind}"`)
      const uris: Record<string, string> = {
        mobile: 'com.example.shop:/callback',
        command_line: 'http://127.0.0.1/callback',
      }
      const fields = kind === 'service' ? SERVICE : { ...WEB, redirect_uris: uris[kind] ?? WEB.redirect_uris }
      const page = await register(dan, kind, fields)
      expect(page.status).toBe(201)
      const id = shownOnce(page, 'client-id')
      expect(shownOnce(page, 'snippet')).toContain(id)
      const keepsSecret = kind === 'service' || kind === 'web_server'
      expect(page.text.includes('id="secret"')).toBe(keepsSecret)
      const row = await app.db
        .selectFrom('client')
        .selectAll()
        .where('client_id', '=', id)
        .executeTakeFirstOrThrow()
      expect(row).toMatchObject({
        organization_id: 'acme',
        application_type: ['mobile', 'command_line'].includes(kind) ? 'native' : 'web',
        token_endpoint_auth_method: keepsSecret ? 'client_secret_basic' : 'none',
        grant_types: kind === 'service' ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
        require_pkce: true,
        require_consent: true,
      })
      if (keepsSecret) expect((await dan.get(`/clients/${id}`)).text).not.toContain(shownOnce(page))
    },
  )

  it('keep what was typed when they are refused, and name the URI that is wrong', async () => {
    const redirect_uris = 'https://shop.example.com/callback\nhttp://shop.example.com/*'
    const page = await register(dan, 'web_server', { ...WEB, redirect_uris })
    expect([page.status, errorsOf(page)]).toEqual([
      422,
      { redirect_uris: expect.stringMatching(/^“http:\/\/shop\.example\.com\/\*” must not have a wildcard/) },
    ])
    expect(page.text).toContain(redirect_uris)
    expect(page.text).toContain('value="Shop"')
    expect(parse(page.text).forms.flatMap(form => form.checkboxes)).toContainEqual({
      name: 'scope',
      value: `${ORDERS} read:orders`,
      checked: true,
    })
  })

  it.each<[string, Fields, Record<string, unknown>]>([
    ['without a name', { ...WEB, client_name: ' ' }, { client_name: expect.anything() }],
    [
      'without a redirect URI',
      { ...WEB, redirect_uris: ' ' },
      { redirect_uris: expect.stringContaining('at least one') },
    ],
    [
      'with a scope of nobody',
      { ...WEB, scope: [`${ORDERS} x`] },
      { scope: expect.stringContaining('does not exist') },
    ],
    [
      "with another organization's resource",
      { ...WEB, scope: ['https://elsewhere.example x'] },
      { scope: expect.stringContaining('does not exist') },
    ],
  ])('are refused %s', async (_what, fields, errors) => {
    const page = await register(dan, 'web_server', fields)
    expect([page.status, errorsOf(page)]).toEqual([422, errors])
  })

  it('go into an organization of the person only', async () => {
    const page = await register(dan, 'service', { ...SERVICE, organization: 'umbrella' })
    expect(page.status).toBe(422)
    expect(parse(page.text).text).toContain('is not an organization of yours')
  })

  it('are changed by a developer, seen by a viewer, and not there for others', async () => {
    const { path, id } = await newService()
    expect((await vera.get(path)).status).toBe(200)
    expect((await vera.get(path)).text).not.toContain(`${path}/edit`)
    const pages = ['/edit', '/disable', '/delete', '/secrets/new', '/keys/new', '/signing-secrets/new']
    for (const page of pages) {
      expect((await vera.get(`${path}${page}`)).status).toBe(403)
      expect((await otto.get(`${path}${page}`)).status).toBe(404)
    }
    const [ofVera, ofOtto] = [await csrfOf(vera), await csrfOf(otto)]
    for (const form of ['/edit', '/disable', '/enable', '/delete', '/secrets', '/keys', '/signing-secrets']) {
      expect((await vera.post(`${path}${form}`, { csrf: ofVera, ...SERVICE })).status).toBe(403)
      expect((await otto.post(`${path}${form}`, { csrf: ofOtto, ...SERVICE })).status).toBe(404)
      expect((await dan.post(`${path}${form}`, { csrf: 'x', ...SERVICE })).status).toBe(403)
    }
    expect(
      (await vera.post('/clients', { csrf: ofVera, application_kind: 'service', ...SERVICE })).status,
    ).toBe(403)
    expect((await otto.get(path)).status).toBe(404)
    const row = await app.db.selectFrom('client').selectAll().where('client_id', '=', id).executeTakeFirst()
    expect(row).toMatchObject({ client_name: 'Nightly job', disabled_at: null })
  })

  it('keep everything else when they are edited', async () => {
    const form = await dan.get('/clients/orders-web/edit')
    const ticked = parse(form.text)
      .forms.flatMap(one => one.checkboxes)
      .filter(({ checked }) => checked)
      .map(({ value }) => value)
    expect(ticked).toEqual(['admin:orders', 'read:orders', 'write:orders'].map(name => `${ORDERS} ${name}`))
    const done = await dan.submit(
      form,
      {
        client_name: 'Orders, renamed',
        redirect_uris: 'http://127.0.0.1:8080/callback\nhttps://orders.example.com/callback',
        post_logout_redirect_uris: 'http://127.0.0.1:8080/bye',
        scope: [`${ORDERS} read:orders`],
      },
      { button: 'Save changes' },
    )
    expect(done.location).toBe(`${app.issuer}/clients/orders-web`)
    const page = parse((await dan.get('/clients/orders-web')).text).text
    expect(page).toContain('Orders, renamed')
    expect(page).toContain('https://orders.example.com/callback')
    expect(page).not.toContain('write:orders')
    const row = await app.db
      .selectFrom('client')
      .selectAll()
      .where('client_id', '=', 'orders-web')
      .executeTakeFirst()
    expect(row).toMatchObject({ default_scope: 'openid', token_endpoint_auth_method: 'client_secret_basic' })
  })

  it('have several secrets: one is added and shown once, another is retired', async () => {
    const { id, secret, path } = await newService()
    const added = await dan.submit(await dan.get(`${path}/secrets/new`), { expires_in: '2592000' })
    const second = shownOnce(added)
    expect(added.status).toBe(201)
    expect([await token(id, secret), await token(id, second)]).toEqual([200, 200])
    const page = await dan.get(path)
    expect(page.text).not.toContain(second)
    expect(page.text).toContain(`…${second.slice(-4)}`)
    expect(parse(page.text).text).toContain('in 30 days')
    const [retire = ''] = page.text.match(/\/clients\/[^"]+\/secrets\/[^"]+\/retire/) ?? []
    const confirm = await dan.get(retire)
    expect(parse(confirm.text).text).toContain(`ending in ${secret.slice(-4)}`)
    expect((await vera.get(retire)).status).toBe(403)
    await dan.submit(confirm, {}, { button: 'Retire' })
    expect([await token(id, secret), await token(id, second)]).toEqual([401, 200])
    expect((await dan.get(retire)).status).toBe(404)
  })

  it('are disabled and enabled, and deleted', async () => {
    const { id, secret, path } = await newService()
    await dan.submit(await dan.get(`${path}/disable`), {}, { button: 'Disable' })
    expect(await token(id, secret)).toBe(401)
    await dan.submit(await dan.get(path), {}, { button: 'Enable' })
    expect(await token(id, secret)).toBe(200)
    const confirm = await dan.get(`${path}/delete`)
    expect(parse(confirm.text).text).toContain('Nightly job stops working at once')
    expect((await dan.submit(confirm, {}, { button: 'Delete' })).location).toBe(`${app.issuer}/clients`)
    expect((await dan.get(path)).status).toBe(404)
    expect(await token(id, secret)).toBe(401)
  })

  it('have API keys, on the same pages as tokens', async () => {
    const { path } = await newService()
    expect((await vera.get(`${path}/keys`)).text).toContain('No API keys yet')
    const form = await dan.get(`${path}/keys/new`)
    const offered = parse(form.text).forms.flatMap(one => one.checkboxes.map(({ value }) => value))
    expect(offered).toEqual([`${ORDERS} read:orders`])
    const fields = { name: 'Server 1', env: 'live', scope: offered, expires_in: 'never' }
    const secret = shownOnce(await dan.submit(form, fields, { button: 'Create key' }))
    expect(secret).toMatch(/^lk_live_key_/)
    const use = () =>
      fetch(`${app.issuer}/v1/credentials/self`, { headers: { 'x-api-key': secret } }).then(one => one.status)
    expect(await use()).toBe(200)
    const key = `${path}/keys/${secret.split('_')[3]}`
    expect((await vera.get(key)).text).toContain('Server 1')
    expect((await vera.get(key)).text).not.toContain(`${key}/revoke`)
    expect((await vera.get(`${key}/revoke`)).status).toBe(403)
    expect((await otto.get(key)).status).toBe(404)
    const other = await newService()
    expect((await dan.get(`${other.path}/keys/${secret.split('_')[3]}`)).status).toBe(404)
    await dan.submit(await dan.get(`${key}/revoke`), {}, { button: 'Revoke' })
    expect(await use()).toBe(401)
  })

  describe('have signing secrets', () => {
    const fields = { name: 'Server 1', env: 'live', scope: [`${ORDERS} read:orders`], expires_in: 'never' }
    const statusOf = async (signer: Signer) => {
      const url = `${app.issuer}/v1/credentials/self`
      return (await fetch(url, { headers: signMessage(signer, { url }) })).status
    }
    const idIn = (page: Page) => /signing-secrets\/(\w{16})/.exec(page.location ?? page.text)?.[1] ?? ''
    const create = async (path: string, more: Fields = {}) =>
      dan.submit(
        await dan.get(`${path}/signing-secrets/new`),
        { ...fields, ...more },
        { button: 'Create signing secret' },
      )

    it('that are made here, shown once, rotated and revoked', async () => {
      const { path } = await newService()
      expect((await vera.get(path)).text).toContain(`href="${path}/signing-secrets"`)
      expect((await vera.get(`${path}/signing-secrets`)).text).toContain('No signing secrets yet')
      const made = await create(path)
      expect(made.status).toBe(201)
      const signer = { id: idIn(made), secret: shownOnce(made) }
      expect(await statusOf(signer)).toBe(200)
      const one = `${path}/signing-secrets/${signer.id}`
      for (const page of [`${path}/signing-secrets`, one]) {
        expect((await vera.get(page)).text).toContain(signer.secret.slice(-4))
        expect((await vera.get(page)).text).not.toContain(signer.secret)
      }
      expect((await vera.get(one)).text).not.toContain(`${one}/rotate`)
      expect((await vera.get(`${one}/rotate`)).status).toBe(403)
      expect((await otto.get(one)).status).toBe(404)
      expect((await dan.get(`${(await newService()).path}/signing-secrets/${signer.id}`)).status).toBe(404)
      const rotated = await dan.submit(await dan.get(`${one}/rotate`), {}, { button: 'Rotate' })
      const next = { ...signer, secret: shownOnce(rotated) }
      expect(parse((await dan.get(one)).text).text).toContain('The new secret has not been used yet')
      expect([await statusOf(next), await statusOf(signer)]).toEqual([200, 200])
      expect(parse((await dan.get(one)).text).text).toContain('still works until')
      await dan.submit(await dan.get(`${one}/revoke`), {}, { button: 'Revoke' })
      expect(await statusOf(next)).toBe(401)
      expect((await dan.get(`${one}/rotate`)).status).toBe(404)
    })

    it('or keys of their own, of which the public half comes here', async () => {
      const { path } = await newService()
      const [first, second] = [newKeyPair(), newKeyPair()]
      const pem = String(first.publicKey.export({ type: 'spki', format: 'pem' }))
      const made = await create(path, { algorithm: 'ed25519', public_key: pem })
      const one = `${path}/signing-secrets/${idIn(made)}`
      expect(made.location).toBe(`${app.issuer}${one}`)
      expect((await vera.get(one)).text).toContain(first.x)
      expect(await statusOf({ id: idIn(made), privateKey: first.privateKey })).toBe(200)
      const jwk = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: second.x })
      const rotate = async (public_key: string) =>
        dan.submit(
          await dan.get(`${one}/rotate`),
          { public_key, grace_seconds: 'immediately' },
          { button: 'Rotate' },
        )
      const { d = '', ...rest } = first.privateKey.export({ format: 'jwk' })
      const privatePem = String(first.privateKey.export({ type: 'pkcs8', format: 'pem' }))
      for (const wrong of ['', 'nonsense', pem, privatePem, JSON.stringify({ ...rest, d }, null, 2)]) {
        const refused = await rotate(wrong)
        expect([refused.status, Object.keys(errorsOf(refused))]).toEqual([422, ['public_key']])
        expect(refused.text).not.toContain(d)
        expect(refused.text).not.toContain(privatePem.split('\n')[1])
      }
      expect((await rotate(jwk)).location).toBe(`${app.issuer}${one}`)
      expect(await statusOf({ id: idIn(made), privateKey: first.privateKey })).toBe(401)
      expect(await statusOf({ id: idIn(made), privateKey: second.privateKey })).toBe(200)
    })

    it.each<[string, Fields, string[]]>([
      ['no name and no scope', { name: '', scope: [] }, ['name', 'scope']],
      ['no public key', { algorithm: 'ed25519' }, ['public_key']],
      ['a public key for a secret', { public_key: JSON.stringify({ x: 1 }) }, ['public_key']],
      [
        'a private key',
        { algorithm: 'ed25519', public_key: '-----BEGIN PRIVATE KEY-----\nMC4CAQ' },
        ['public_key'],
      ],
    ])('but not with %s', async (_what, more, wrong) => {
      const { path } = await newService()
      const page = await create(path, more)
      expect(page.text).not.toContain('MC4CAQ')
      expect([page.status, Object.keys(errorsOf(page))]).toEqual([422, wrong])
    })
  })

  it('are all there for an administrator, who also registers for the operator', async () => {
    expect((await root.get('/clients')).text).toContain('Our own portal')
    const made = await register(root, 'service', { ...SERVICE, organization: '' })
    expect(made.status).toBe(201)
    const id = shownOnce(made, 'client-id')
    expect(parse((await root.get(`/clients/${id}`)).text).text).toContain('The operator')
    expect((await dan.get(`/clients/${id}`)).status).toBe(404)
  })

  it('are not registered by who only looks on, or is in no organization', async () => {
    for (const who of [vera, bob])
      for (const page of ['/clients/new', '/clients/new?kind=service', '/resources/new'])
        expect((await who.get(page)).status).toBe(403)
  })

  it('answer what no id can be with 4xx', async () => {
    for (const id of ['%00', '%ff', '%ED%A0%80', 'nobody', encodeURIComponent('a\'"<b>')])
      for (const page of ['', '/edit', '/keys', '/secrets/new', '/secrets/x/retire', '/signing-secrets/x'])
        expect((await dan.get(`/clients/${id}${page}`)).status).toBeLessThan(500)
    expect((await dan.get('/clients/new?kind=web_server&kind=x')).status).toBeLessThan(500)
  })
})

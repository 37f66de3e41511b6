import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { cookieNames, cookieOptions } from '../../src/http/cookies.ts'
import { createCsrf } from '../../src/http/csrf.ts'
import { formOf, readForm } from '../../src/http/forms.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { ask, FORM, type Ground, ground, on } from './ground.ts'

let server: Ground
let secure: Ground

beforeAll(async () => {
  const routes: NonNullable<Parameters<typeof ground>[0]>['routes'] = ({ csrf }) => [
    on('GET', '/form', ctx => {
      ctx.body = { token: csrf.token(ctx), again: csrf.token(ctx) }
    }),
    on('POST', '/form', async ctx => {
      csrf.check(ctx, await readForm(ctx))
      ctx.body = 'done'
    }),
  ]
  server = await ground({ routes })
  secure = await ground({ routes, issuer: 'https://id.test' })
})
afterAll(() => Promise.all([server.close(), secure.close()]))

async function visit(where: Ground = server, cookie?: string) {
  const answer = await ask(where, { path: '/form', headers: cookie ? { cookie } : {} })
  const { token, again } = answer.json() as { token: string; again: string }
  const [set] = answer.headers['set-cookie'] ?? []
  return { token, again, set, cookie: set?.split(';')[0] ?? cookie ?? '' }
}

const post = (headers: Record<string, string>, token?: string) =>
  ask(server, {
    method: 'POST',
    path: '/form',
    headers: { ...FORM, ...headers },
    body: token === undefined ? '' : `csrf=${encodeURIComponent(token)}`,
  })

const SAME = { 'sec-fetch-site': 'same-origin' }

describe('the CSRF token', () => {
  it('lets a form of ours through, in every tab', async () => {
    const first = await visit()
    const second = await visit(server, first.cookie)
    expect(first.again).toBe(first.token)
    expect(second.set).toBeUndefined()
    expect(second.token).toBe(first.token)
    for (const { token } of [first, second])
      expect((await post({ ...SAME, cookie: first.cookie }, token)).status).toBe(200)
  })

  it('is not the cookie, and is another one in another browser', async () => {
    const one = await visit()
    const other = await visit()
    expect(one.cookie).not.toContain(one.token)
    expect(other.token).not.toBe(one.token)
    expect((await post({ ...SAME, cookie: one.cookie }, other.token)).status).toBe(403)
  })

  it('is accepted by Origin where the browser sends no Sec-Fetch-Site', async () => {
    const { cookie, token } = await visit()
    expect((await post({ cookie, origin: 'http://id.test' }, token)).status).toBe(200)
  })

  it.each([
    ['neither Sec-Fetch-Site nor Origin', {}],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another origin of the same site', { 'sec-fetch-site': 'same-site', origin: 'http://id.test' }],
    ['nobody in particular', { 'sec-fetch-site': 'none' }],
    ['a foreign Origin', { origin: 'http://evil.test' }],
    ['our host with another scheme', { origin: 'https://id.test' }],
    ['a null Origin', { origin: 'null' }],
  ])('does not help a post from %s', async (_what, headers) => {
    const { cookie, token } = await visit()
    const answer = await post({ ...headers, cookie }, token)
    expect(answer.status).toBe(403)
    expect(answer.json().code).toBe('csrf_failed')
  })

  it('is needed, and so is the cookie', async () => {
    const { cookie, token } = await visit()
    expect((await post({ ...SAME, cookie })).status).toBe(403)
    expect((await post({ ...SAME, cookie }, '')).status).toBe(403)
    expect((await post({ ...SAME, cookie }, `${token}x`)).status).toBe(403)
    expect((await post(SAME, token)).status).toBe(403)
    expect((await post({ ...SAME, cookie: 'latchkey_csrf=short' }, token)).status).toBe(403)
    const twice = await ask(server, {
      method: 'POST',
      path: '/form',
      headers: { ...FORM, ...SAME, cookie },
      body: `csrf=${token}&csrf=${token}`,
    })
    expect(twice.status).toBe(400)
  })

  it('replaces a cookie that is not ours', async () => {
    const { set } = await visit(server, 'latchkey_csrf=planted')
    expect(set).toMatch(/^latchkey_csrf=[\w-]{43};/)
  })

  it('survives a rotation of the master secrets', () => {
    const [old, fresh] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
    const cookies = cookieNames('http://id.test')
    const ctx = {
      req: {},
      cookies: { get: () => 'c'.repeat(43) },
      get: (name: string) => (name === 'sec-fetch-site' ? 'same-origin' : ''),
    } as never
    const made = (...secrets: Buffer[]) =>
      createCsrf({ keyring: createKeyring(secrets), cookies, issuer: 'http://id.test' })
    const form = formOf(new URLSearchParams({ csrf: made(old).token(ctx) }))
    expect(() => made(fresh, old).check(ctx, form)).not.toThrow()
    expect(() => made(fresh).check(ctx, form)).toThrow()
  })
})

describe('cookies', () => {
  it('are plain on an http issuer', async () => {
    const { set } = await visit()
    expect(set).toMatch(/^latchkey_csrf=/)
    expect(set).toMatch(/; path=\/; samesite=lax; httponly$/i)
  })

  it('are Secure with a prefix on an https issuer, also behind a proxy that speaks http', async () => {
    const { set } = await visit(secure)
    expect(set).toMatch(/^__Host-latchkey_csrf=/)
    expect(set).toMatch(/; path=\/; samesite=lax; secure; httponly$/i)
    expect(cookieNames('https://id.test')).toEqual({
      session: '__Host-latchkey_session',
      csrf: '__Host-latchkey_csrf',
      device: '__Host-latchkey_device',
      interaction: '__Secure-latchkey_interaction',
      resume: '__Secure-latchkey_resume',
      secure: true,
    })
    expect(cookieOptions({ secure: true })).not.toHaveProperty('domain')
  })
})

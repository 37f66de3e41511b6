import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import Router from '@koa/router'
import type { Middleware } from '../../src/http/context.ts'
import { Problem } from '../../src/http/problem.ts'
import { ask, type Ground, ground, on } from './ground.ts'

const HTML = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }
const CANARY = 'canary-secret-0123456789'

let server: Ground

beforeAll(async () => {
  const router = new Router()
  router.get('/one-time/:token', ctx => {
    ctx.body = 'ok'
  })
  router.post('/only-post', ctx => {
    ctx.body = 'ok'
  })
  const throwing = (path: string, error: unknown) =>
    on('GET', path, ctx => {
      ctx.set('Set-Cookie', 'half=made')
      ctx.set('ETag', '"x"')
      ctx.body = 'half made'
      throw error
    })
  const refusal = new Problem(
    401,
    'invalid_client',
    'The client is "unknown" — or wrong.',
    'it was disabled',
    {
      headers: { 'WWW-Authenticate': 'Basic realm="latchkey"' },
    },
  )
  server = await ground({
    routes: () => [
      on('GET', '/ok', ctx => {
        ctx.body = 'ok'
      }),
      throwing('/token', refusal),
      throwing('/v1/things', refusal),
      throwing('/page', refusal),
      throwing('/jwks', new Problem(409, 'conflict', 'No.')),
      throwing('/v1/bug', new Error(CANARY)),
      throwing('/bug', new Error(CANARY)),
      throwing('/userinfo', new Error(CANARY)),
      throwing('/v1/string', CANARY),
      throwing('/v1/nothing', undefined),
      throwing('/v1/exposed', Object.assign(new Error('not like that'), { status: 400, expose: true })),
      throwing('/v1/hidden', Object.assign(new Error(CANARY), { status: 400, expose: false })),
      throwing('/v1/down', Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' })),
      throwing('/v1/text', Object.assign(new Error('invalid byte sequence'), { code: '22021' })),
      throwing(
        '/v1/fields',
        new Problem(400, 'validation_failed', 'No.', undefined, {
          errors: [{ path: 'a[0]', message: 'too long' }],
        }),
      ),
      on('GET', '/v1/half-sent', ctx => {
        ctx.respond = false
        ctx.res.writeHead(200, { 'Content-Length': '100' })
        ctx.res.write('half')
        throw new Error(CANARY)
      }),
      router.routes() as unknown as Middleware,
      router.allowedMethods() as unknown as Middleware,
    ],
  })
})
afterAll(() => server.close())

describe('respond', () => {
  it('gives every request its own id and one line, whatever id was sent', async () => {
    const answer = await ask(server, { path: '/ok?code=abc', headers: { 'x-request-id': 'mine' } })
    const id = answer.headers['x-request-id'] as string
    expect(id).toMatch(/^[0-9a-z]{16}$/)
    const line = await server.line(id)
    expect(line).toMatchObject({ method: 'GET', path: '/ok', status: 200, address: '127.0.0.1' })
    expect(JSON.stringify(server.lines)).not.toContain('abc')
  })

  it('answers /v1 with problem+json', async () => {
    const answer = await ask(server, { path: '/v1/things', headers: HTML })
    expect(answer.status).toBe(401)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.headers['www-authenticate']).toBe('Basic realm="latchkey"')
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(answer.headers.etag).toBeUndefined()
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'The client is "unknown" — or wrong.',
      code: 'invalid_client',
      request_id: answer.headers['x-request-id'],
    })
    const line = await server.line(answer.headers['x-request-id'] as string)
    expect(line).toMatchObject({ status: 401, problem: 'invalid_client', detail: 'it was disabled' })
  })

  it('shows which fields are wrong', async () => {
    const answer = await ask(server, { path: '/v1/fields' })
    expect(answer.json().errors).toEqual([{ path: 'a[0]', message: 'too long' }])
  })

  it('answers protocol endpoints with OAuth JSON of the allowed characters', async () => {
    const answer = await ask(server, { path: '/token', headers: HTML })
    expect(answer.status).toBe(401)
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.json()).toEqual({
      error: 'invalid_client',
      error_description: "The client is 'unknown' ' or wrong.",
    })
    expect((await ask(server, { path: '/jwks' })).json().error).toBe('invalid_request')
    expect((await ask(server, { path: '/userinfo' })).json().error).toBe('server_error')
  })

  it('answers a browser with the problem page and everyone else with JSON', async () => {
    const page = await ask(server, { path: '/page', headers: HTML })
    expect(page.status).toBe(401)
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.text).toContain(page.headers['x-request-id'] as string)
    expect(page.text).toContain('&quot;unknown&quot;')
    expect(page.headers['set-cookie']).toBeUndefined()
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }, { accept: '' }]) {
      const json = await ask(server, { path: '/page', headers })
      expect(json.headers['content-type']).toContain('application/problem+json')
    }
  })

  it.each(['/v1/bug', '/bug', '/userinfo', '/v1/string', '/v1/hidden'])(
    'shows nothing of the unknown error of %s, and logs it',
    async path => {
      for (const headers of [HTML, {}]) {
        const answer = await ask(server, { path, headers })
        expect(answer.status).toBe(500)
        expect(answer.text).not.toContain(CANARY)
        const id = answer.headers['x-request-id']
        await server.line(id as string)
        expect(server.lines.some(line => line.request_id === id && line.level === 50)).toBe(true)
      }
    },
  )

  it('survives a thrown nothing', async () => {
    expect((await ask(server, { path: '/v1/nothing' })).status).toBe(500)
  })

  it('passes on what Koa says for the caller', async () => {
    const answer = await ask(server, { path: '/v1/exposed' })
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'invalid_request', detail: 'not like that' })
  })

  it('says 503 and when to come back while the database is away', async () => {
    const answer = await ask(server, { path: '/v1/down' })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.json().code).toBe('temporarily_unavailable')
  })

  it('blames the input for a text the database refuses', async () => {
    expect((await ask(server, { path: '/v1/text' })).status).toBe(400)
  })

  it('answers 404 for what nobody answers, 405 with Allow where a router knows', async () => {
    expect((await ask(server, { path: '/v1/unknown' })).json()).toMatchObject({
      status: 404,
      code: 'not_found',
    })
    expect((await ask(server, { path: '/unknown', headers: HTML })).text).toContain('There is nothing here')
    const wrongMethod = await ask(server, { path: '/only-post' })
    expect(wrongMethod.status).toBe(405)
    expect(wrongMethod.headers.allow).toBe('POST')
    expect(wrongMethod.json().code).toBe('method_not_allowed')
  })

  it('logs the route, not the secret in the path', async () => {
    const secret = 'S'.repeat(43)
    const found = await ask(server, { path: `/one-time/${secret}` })
    expect(await server.line(found.headers['x-request-id'] as string)).toMatchObject({
      path: '/one-time/:token',
    })
    const missed = await ask(server, { path: `/one-tme/${secret}` })
    expect(await server.line(missed.headers['x-request-id'] as string)).toMatchObject({ path: '/one-tme/…' })
    expect(JSON.stringify(server.lines)).not.toContain(secret)
  })

  it('cuts an answer that cannot be finished, and lives on', async () => {
    await expect(ask(server, { path: '/v1/half-sent' })).rejects.toThrow()
    expect((await ask(server, { path: '/ok' })).status).toBe(200)
  })
})

// Routes of the JSON API as api.ts serves them: made-up ones, in a small server with this ground's middleware.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { createApi } from '../../src/http/api.ts'
import { ANY_CREDENTIAL, NO_CREDENTIAL, routesFor } from '../../src/http/api-route.ts'
import type { Middleware } from '../../src/http/context.ts'
import { Problem } from '../../src/http/problem.ts'
import { timeIn } from '../../src/http/time-schema.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { type Answer, ask, type Ground, ground, type Question } from './ground.ts'

const route = routesFor<{ name: string }, 'things:read' | 'things:write'>()

const thing = z.strictObject({ name: z.string(), size: z.int() }).meta({ id: 'Thing' })
const newThing = z.strictObject({
  name: z.string().max(10),
  size: z.int().min(1).max(9).default(1),
  tags: z.array(z.string()).max(2).optional(),
  made_at: timeIn.optional(),
  nested: z.strictObject({ flag: z.boolean() }).optional(),
})

const seen: unknown[] = []

const SCHEMES = ['bearer', 'dpop', 'api_key', 'basic', 'signature', 'certificate', 'session']

const routes = [
  route({
    method: 'get',
    path: '/v1/things',
    summary: 'Things',
    scope: 'things:read',
    status: 200,
    query: z.strictObject({ size: z.coerce.number().int().optional() }),
    response: z.array(thing),
    async answer({ caller, query }) {
      seen.push(query)
      return [{ name: caller.name, size: query.size ?? 0 }]
    },
  }),
  route({
    method: 'post',
    path: '/v1/things',
    summary: 'Make a thing',
    scope: 'things:write',
    status: 201,
    body: newThing,
    response: thing,
    location: ({ name }) => `/v1/things/${encodeURIComponent(name)}`,
    async answer({ body }) {
      seen.push(body)
      return { name: body.name, size: body.size }
    },
  }),
  route({
    method: 'get',
    path: '/v1/things/{name}',
    summary: 'A thing',
    scope: ANY_CREDENTIAL,
    status: 200,
    response: thing,
    answer: async ({ param }) => ({ name: param('name'), size: 0 }),
  }),
  route({
    method: 'delete',
    path: '/v1/things/{name}',
    summary: 'End a thing',
    scope: 'things:write',
    status: 204,
    revokes: true,
    async answer() {
      return 3
    },
  }),
  route({
    method: 'get',
    path: '/v1/hello',
    summary: 'Hello',
    scope: NO_CREDENTIAL,
    status: 200,
    response: z.strictObject({ hello: z.string() }),
    answer: async () => ({ hello: 'world' }),
  }),
  route({
    method: 'get',
    path: '/v1/broken',
    summary: 'Broken',
    scope: ANY_CREDENTIAL,
    status: 200,
    async answer() {
      throw new Error('a secret reason')
    },
  }),
]

let server: Ground
let database: MigratedDatabase
const asked: unknown[] = []

beforeAll(async () => {
  database = await migratedDatabase()
  const api = createApi({
    db: database.db,
    issuer: 'http://id.test',
    async authenticate(ctx, scope) {
      asked.push(scope)
      if (ctx.get('authorization') === '') throw new Problem(401, 'unauthenticated', 'Who?')
      return { name: 'ada' }
    },
    routes,
  })
  server = await ground({
    routes: () => [api.routes() as Middleware, api.allowedMethods() as Middleware],
  })
})
afterAll(async () => {
  await server.close()
  await database.close()
})

const good = { authorization: 'Bearer x' }
const get = (path: string, more: Question = {}) => ask(server, { path, headers: good, ...more })
const post = (body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  ask(server, {
    method: 'POST',
    path: '/v1/things',
    headers: { ...good, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

const mistakes = (answer: Answer) => {
  expect([answer.status, answer.json().code]).toEqual([400, 'validation_failed'])
  return answer.json().errors
}

describe('letting in', () => {
  it('asks with the scope of the route, or without one', async () => {
    asked.length = 0
    await get('/v1/things')
    await get('/v1/things/x')
    await get('/v1/hello')
    expect(asked).toEqual(['things:read', undefined])
  })

  it('comes before the query and the body are looked at', async () => {
    const nobody = await ask(server, { path: '/v1/things?x=1' })
    expect(nobody.status).toBe(401)
    const answer = await ask(server, { method: 'POST', path: '/v1/things', body: '{' })
    expect(answer.status).toBe(401)
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'Who?',
      code: 'unauthenticated',
      request_id: answer.headers['x-request-id'],
    })
  })
})

describe('answers', () => {
  it('200, 201 with Location, 204', async () => {
    const list = await get('/v1/things?size=4')
    expect([list.status, list.json()]).toEqual([200, [{ name: 'ada', size: 4 }]])
    expect(list.headers['content-type']).toBe('application/json; charset=utf-8')
    const made = await post({ name: 'a/b ü' })
    expect([made.status, made.headers.location, made.json()]).toEqual([
      201,
      '/v1/things/a%2Fb%20%C3%BC',
      { name: 'a/b ü', size: 1 },
    ])
    expect((await get(made.headers.location ?? '')).json()).toMatchObject({ name: 'a/b ü' })
    const ended = await get('/v1/things/x', { method: 'DELETE' })
    expect([ended.status, ended.text, ended.headers['content-type']]).toEqual([204, '', undefined])
  })

  it('with wait=all: how many were ended, and who knows of it', async () => {
    const answer = await get('/v1/things/x?wait=all&timeout=0', { method: 'DELETE' })
    expect([answer.status, answer.json()]).toEqual([
      200,
      { revoked: 3, position: '0', nodes: { live: 0, acknowledged: 0 }, took_ms: expect.any(Number) },
    ])
  })

  it('HEAD is GET without a body; other methods are refused by name', async () => {
    const head = await get('/v1/things', { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    const put = await get('/v1/things', { method: 'PUT' })
    expect([put.status, put.headers.allow]).toEqual([405, 'HEAD, GET, POST'])
  })

  it('of our own mistakes say nothing', async () => {
    const answer = await get('/v1/broken')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('secret')
  })
})

describe('a body', () => {
  it('is read by its schema, with the defaults', async () => {
    seen.length = 0
    await post({ name: 'x', made_at: '2027-01-31T13:00:00+01:00' })
    expect(seen).toEqual([{ name: 'x', size: 1, made_at: new Date('2027-01-31T12:00:00Z') }])
  })

  it.each<[string, unknown, { path: string; message: string }[]]>([
    ['nothing in it', {}, [{ path: 'name', message: 'is missing' }]],
    ['a list', [], [{ path: '', message: 'must be a mapping of keys to values' }]],
    ['null', 'null', [{ path: '', message: 'must be a mapping of keys to values' }]],
    [
      'a misspelt key',
      { name: 'x', tagz: [] },
      [{ path: 'tagz', message: 'is not a known key: did you mean tags?' }],
    ],
    ['an unknown key', { name: 'x', zzz: 1 }, [{ path: 'zzz', message: 'is not a known key: remove it' }]],
    [
      'an unknown key deep in',
      { name: 'x', nested: { flag: true, x: 1 } },
      [{ path: 'nested.x', message: 'is not a known key: remove it' }],
    ],
    [
      'a wrong type',
      { name: 'x', nested: { flag: 'yes' } },
      [{ path: 'nested.flag', message: 'must be true or false' }],
    ],
    ['a number as text', { name: 'x', size: '1' }, [{ path: 'size', message: 'must be a number' }]],
    ['a part of a number', { name: 'x', size: 1.5 }, [{ path: 'size', message: 'must be a whole number' }]],
    ['too much', { name: 'x', size: 10 }, [{ path: 'size', message: 'must be 9 or less' }]],
    ['too little', { name: 'x', size: 0 }, [{ path: 'size', message: 'must be 1 or more' }]],
    ['too long', { name: 'x'.repeat(11) }, [{ path: 'name', message: 'must be at most 10 characters long' }]],
    [
      'too many',
      { name: 'x', tags: ['', '', ''] },
      [{ path: 'tags', message: 'must be at most 2 items long' }],
    ],
    [
      'a day that is none',
      { name: 'x', made_at: '2027-02-30T00:00:00Z' },
      [{ path: 'made_at', message: 'must be a time such as 2027-01-31T12:00:00Z' }],
    ],
    [
      'several',
      { size: 0, tags: [1] },
      [
        { path: 'name', message: 'is missing' },
        { path: 'size', message: 'must be 1 or more' },
        { path: 'tags[0]', message: 'must be text: put it in quotes' },
      ],
    ],
  ])('%s: each mistake with its path', async (_name, body, errors) => {
    seen.length = 0
    expect(mistakes(await post(body))).toEqual(errors)
    expect(seen).toEqual([])
  })

  it('a long unknown key does not come back whole', async () => {
    expect((await post({ name: 'x', ['k'.repeat(5000)]: 1 })).text.length).toBeLessThan(600)
  })

  it('that is empty lacks what is needed', async () => {
    expect(mistakes(await post(''))).toEqual([{ path: 'name', message: 'is missing' }])
  })

  it.each([
    ['not JSON', '{', 400],
    ['a key twice', '{"name":"a","name":"b"}', 400],
    ['__proto__', '{"name":"a","__proto__":{}}', 400],
    ['U+0000', '{"name":"\\u0000"}', 400],
    ['half a surrogate pair', '{"name":"\\ud800"}', 400],
    ['deep', `{"name":${'['.repeat(40)}${']'.repeat(40)}}`, 400],
    ['large', `{"name":"${'x'.repeat(70_000)}"}`, 413],
  ])('%s', async (_name, body, status) => {
    expect((await post(body)).status).toBe(status)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'as %s is refused',
    async type => {
      expect((await post({ name: 'x' }, { 'content-type': type })).status).toBe(415)
    },
  )
})

describe('a query', () => {
  it.each([
    ['size=one', 'size'],
    ['other=1', 'other'],
    ['size=1&size=2', 'size'],
  ])('%s', async (query, path) => {
    expect(mistakes(await get(`/v1/things?${query}`))).toEqual([{ path, message: expect.any(String) }])
  })

  it('where there is none is refused, but for wait and timeout where something ends', async () => {
    expect(mistakes(await get('/v1/things/x?a=1'))).toEqual([{ path: 'a', message: expect.any(String) }])
    expect(mistakes(await get('/v1/things/x?wait=all'))).toEqual([
      { path: 'wait', message: expect.any(String) },
    ])
    expect(mistakes(await get('/v1/things/x?timeout=31', { method: 'DELETE' }))).toEqual([
      { path: 'timeout', message: 'must be 30 or less' },
    ])
    expect(mistakes(await get('/v1/things/x?b=1', { method: 'DELETE' }))).toHaveLength(1)
  })
})

describe('the document', () => {
  it('says all of this, from the same declarations', async () => {
    const answer = await ask(server, { path: '/v1/openapi.json' })
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    const { paths, components } = answer.json() as {
      paths: Record<string, Record<string, Record<string, unknown>>>
      components: { schemas: Record<string, unknown> }
    }
    expect(Object.keys(paths)).toEqual(['/v1/things', '/v1/things/{name}', '/v1/hello', '/v1/broken'])
    expect(paths['/v1/things']?.post).toEqual({
      operationId: 'post_things',
      summary: 'Make a thing',
      tags: ['things'],
      security: SCHEMES.map(scheme => ({ [scheme]: ['things:write'] })),
      requestBody: {
        required: true,
        content: { 'application/json': { schema: expect.objectContaining({ required: ['name'] }) } },
      },
      responses: {
        201: {
          description: 'Created',
          headers: { Location: { schema: { type: 'string' } } },
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
        },
        default: { $ref: '#/components/responses/Problem' },
      },
    })
    expect(paths['/v1/hello']?.get?.security).toEqual([])
    expect(paths['/v1/things/{name}']?.get?.security).toEqual(SCHEMES.map(scheme => ({ [scheme]: [] })))
    expect(paths['/v1/things/{name}']?.delete?.parameters).toEqual([
      expect.objectContaining({ name: 'name', in: 'path', required: true }),
      expect.objectContaining({ name: 'wait', in: 'query', required: false }),
      expect.objectContaining({ name: 'timeout', in: 'query', required: false }),
    ])
    expect(Object.keys(paths['/v1/things/{name}']?.delete?.responses as object)).toEqual([
      '200',
      '202',
      '204',
      'default',
    ])
    expect(components.schemas.Thing).toEqual({
      type: 'object',
      properties: { name: { type: 'string' }, size: expect.objectContaining({ type: 'integer' }) },
      required: ['name', 'size'],
      additionalProperties: false,
    })
    expect(components.schemas).toHaveProperty('Problem')
  })
})

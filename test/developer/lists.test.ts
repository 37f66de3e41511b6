// Lists of the JSON API: pages that hold while others add and take away, and cursors that nobody made.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { made } from '../support/api-callers.ts'
import { createCertificate } from '../support/certificate.ts'
import { ORDERS } from '../support/orders.ts'
import { expectPublished, publishedApi, routesOf } from '../support/published-api.ts'
import { refusal, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

interface List {
  readonly name: string
  readonly path: string
  idOf(item: Record<string, unknown>): unknown
  add(): Promise<unknown>
}

let count = 0
const lists: List[] = [
  {
    name: 'clients',
    path: '/v1/clients',
    idOf: item => item.client_id,
    add: () => made(world.ada, '/v1/clients', { client_name: `C${++count}`, application_kind: 'service' }),
  },
  {
    name: 'resources',
    path: '/v1/resources',
    idOf: item => item.identifier,
    add: () => made(world.ada, '/v1/resources', { identifier: `https://r${++count}.example.com`, name: 'R' }),
  },
  {
    name: 'personal access tokens',
    path: '/v1/personal-access-tokens',
    idOf: item => item.id,
    add: () =>
      made(world.ada, '/v1/personal-access-tokens', {
        name: `T${++count}`,
        scopes: { [ORDERS]: ['read:orders'] },
      }),
  },
  {
    name: 'client certificates',
    path: '/v1/client-certificates',
    idOf: item => item.id,
    add: () =>
      made(world.ada, '/v1/client-certificates', {
        client_id: 'ci',
        name: `Certificate ${++count}`,
        scopes: { [ORDERS]: ['read:orders'] },
        certificate: createCertificate('ci.example.com').cert,
      }),
  },
  {
    name: 'signing secrets',
    path: '/v1/signing-secrets',
    idOf: item => item.id,
    add: () =>
      made(world.ada, '/v1/signing-secrets', {
        client_id: 'ci',
        name: `S${++count}`,
        scopes: { [ORDERS]: ['read:orders'] },
      }),
  },
  {
    name: 'API keys',
    path: '/v1/api-keys',
    idOf: item => item.id,
    add: () =>
      made(world.ada, '/v1/api-keys', {
        client_id: 'ci',
        name: `K${++count}`,
        scopes: { [ORDERS]: ['read:orders'] },
      }),
  },
]

describe.each(lists)('$name', ({ path, idOf, add }) => {
  const page = async (query: string) => {
    const answer = await world.ada.call('GET', `${path}?${query}`)
    const { data, next_cursor: cursor } = answer.json() as {
      data: Record<string, unknown>[]
      next_cursor: string | null
    }
    return { ids: data.map(idOf), cursor }
  }

  const walk = async (limit: number, between: () => Promise<unknown> = async () => undefined) => {
    const ids: unknown[] = []
    let { ids: some, cursor } = await page(`limit=${limit}`)
    ids.push(...some)
    while (cursor !== null) {
      await between()
      ;({ ids: some, cursor } = await page(`limit=${limit}&cursor=${cursor}`))
      ids.push(...some)
    }
    return ids
  }

  beforeAll(async () => {
    // At once, so that some have the same millisecond.
    await Promise.all(Array.from({ length: 7 }, add))
  })

  it('newest first, everything once, whatever the size of a page', async () => {
    const all = await walk(100)
    expect(new Set(all).size).toBe(all.length)
    for (const limit of [1, 2, 3]) expect(await walk(limit)).toEqual(all)
    await add()
    expect((await page('limit=100')).ids.slice(1)).toEqual(all)
  })

  it('what is added meanwhile shifts nothing', async () => {
    const before = await walk(100)
    expect(await walk(3, add)).toEqual(before)
  })

  it('the last page says so, also when it is full', async () => {
    const all = await walk(100)
    expect((await page(`limit=${Math.min(all.length, 100)}`)).cursor).toBeNull()
  })

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['cursor=nonsense', 'cursor'],
    ['cursor=', 'cursor'],
    [`cursor=${encoded([])}`, 'cursor'],
    [`cursor=${encoded(['x', 'y'])}`, 'cursor'],
    [`cursor=${encoded(['1', "'; --"])}`, 'cursor'],
    [`cursor=${encoded(['99999999999999999999', 'a'])}`, 'cursor'],
    [`cursor=${encoded(['1', 'a\u0000'])}`, 'cursor'],
    [`cursor=${encoded({ length: 2 })}`, 'cursor'],
    ['limit=1&limit=2', 'limit'],
  ])('refuses %s', async (query, at) => {
    const answer = await world.ada.call('GET', `${path}?${query}`)
    expect(refusal(answer)).toEqual({ status: 400, code: 'validation_failed', paths: [at] })
  })

  it('is as the document says', async () => {
    const api = await publishedApi(world.app)
    const route = routesOf(api).find(one => one.method === 'GET' && one.path === path)
    if (!route) throw new Error(`${path} is not in the document`)
    expectPublished(api, route, await world.ada.call('GET', path))
  })
})

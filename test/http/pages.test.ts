// Pages, assets and health over HTTP.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { h } from 'preact'
import { createAssets } from '../../src/http/assets.ts'
import { createHealth, type Health } from '../../src/http/health.ts'
import { packageRoot } from '../../src/http/package-root.ts'
import { assetNames } from '../../views/assets/asset-name.ts'
import { ask, type Ground, ground, on } from './ground.ts'

let server: Ground
let health: Health
let check: () => Promise<unknown> = async () => undefined

beforeAll(async () => {
  health = createHealth({ checks: { database: () => check() }, limitMs: 50 })
  server = await ground({
    routes: ({ pages }) => [
      health.serve,
      on('GET', '/page', ctx => {
        pages.render(ctx, h('p', {}, '<script>'), { status: 202 })
      }),
    ],
  })
})
afterAll(() => server.close())

describe('pages', () => {
  it('are complete documents, escaped, never cached', async () => {
    const answer = await ask(server, { path: '/page' })
    expect(answer.status).toBe(202)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.text).toBe('<!doctype html>\n<p>&lt;script></p>\n')
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^latchkey_csrf=/)
  })

  it('name only assets that exist, with their hash', async () => {
    const { text } = await ask(server, { path: '/nowhere', headers: { accept: 'text/html' } })
    const named = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(match => match[1] ?? '')
    expect(named.length).toBeGreaterThanOrEqual(3)
    for (const path of named) {
      const asset = await ask(server, { path })
      expect(asset.status).toBe(200)
      expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    }
  })
})

describe('assets', () => {
  const { asset } = createAssets({ accentColor: '#3b5bdb' })

  it('lie where the package says', () => {
    expect(existsSync(join(packageRoot(), 'views', 'assets', 'latchkey.css'))).toBe(true)
  })

  it.each([...assetNames])('%s is served with type and ETag, and 304 afterwards', async name => {
    const first = await ask(server, { path: asset(name) })
    expect(first.headers['content-type']).toMatch(/^text\/(css|javascript); charset=utf-8$/)
    expect(first.text.length).toBeGreaterThan(50)
    const etag = first.headers.etag as string
    const again = await ask(server, { path: `/assets/${name}`, headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
    expect(again.text).toBe('')
    const head = await ask(server, { method: 'HEAD', path: asset(name) })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(first.text)))
  })

  it('are asked again without the right hash', async () => {
    for (const query of ['', '?v=old', `${asset('copy.js').split('copy.js')[1]}&x=1`]) {
      const answer = await ask(server, { path: `/assets/copy.js${query}` })
      expect(answer.headers['cache-control']).toBe('public, no-cache')
    }
  })

  it('change their address with the accent colour', () => {
    expect(createAssets({ accentColor: '#123456' }).asset('theme.css')).not.toBe(asset('theme.css'))
  })

  it.each([
    'none.css',
    '',
    'theme.ts',
    '../theme.css',
    '..%2f..%2fpackage.json',
    '%2e%2e/%2e%2e/package.json',
    'copy.js/',
    'COPY.JS',
    '__proto__',
    'constructor',
  ])('nothing else is there: %j', async name => {
    expect((await ask(server, { path: `/assets/${name}` })).status).toBe(404)
  })

  it('cannot be written', async () => {
    const answer = await ask(server, { method: 'POST', path: '/assets/copy.js' })
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD'])
  })
})

describe('health', () => {
  it('is live, and ready while every check passes', async () => {
    expect((await ask(server, { path: '/health/live' })).json()).toEqual({ status: 'ok', checks: {} })
    const ready = await ask(server, { path: '/health/ready', headers: { host: '10.0.0.1' } })
    expect([ready.status, ready.json()]).toEqual([200, { status: 'ok', checks: { database: 'ok' } }])
    expect((await ask(server, { path: '/health/other' })).status).toBe(404)
    expect((await ask(server, { method: 'POST', path: '/health/live' })).status).toBe(404)
  })

  it.each([
    ['fails', () => Promise.reject(new Error('password=canary'))],
    ['hangs', () => new Promise(() => undefined)],
    [
      'throws',
      () => {
        throw new Error('canary')
      },
    ],
  ])('is not ready when a check %s, and says only which', async (_what, broken) => {
    check = broken
    const answer = await ask(server, { path: '/health/ready' })
    check = async () => undefined
    expect(answer.status).toBe(503)
    expect(answer.json()).toEqual({ status: 'unavailable', checks: { database: 'failed' } })
  })

  it('is not ready while draining, but live', async () => {
    health.drain()
    const ready = await ask(server, { path: '/health/ready' })
    expect([ready.status, ready.json().status]).toEqual([503, 'draining'])
    expect((await ask(server, { path: '/health/live' })).status).toBe(200)
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { allowFormRedirect, CONTENT_SECURITY_POLICY, securityHeaders } from '../../src/http/headers.ts'
import { ask, type Ground, ground, on } from './ground.ts'

let server: Ground

beforeAll(async () => {
  server = await ground({
    routes: () => [
      on('GET', '/form', ctx => {
        allowFormRedirect(ctx, String(ctx.query.to))
        ctx.body = 'form'
      }),
      on('GET', '/failing-form', ctx => {
        allowFormRedirect(ctx, 'https://client.example')
        throw new Error('later')
      }),
    ],
  })
})
afterAll(() => server.close())

const formAction = async (to: string) => {
  const answer = await ask(server, { path: `/form?to=${encodeURIComponent(to)}` })
  const policy = answer.headers['content-security-policy'] as string
  expect(policy.split('; ').map(part => part.split(' ')[0])).toEqual(
    CONTENT_SECURITY_POLICY.split('; ').map(part => part.split(' ')[0]),
  )
  return policy.split('; ').find(part => part.startsWith('form-action'))
}

describe('security headers', () => {
  it('are on every answer', async () => {
    for (const path of ['/form?to=x', '/nothing', '/%zz', '/assets/none.css', '/token']) {
      const { headers } = await ask(server, { path })
      for (const [name, value] of Object.entries(securityHeaders(server.issuer))) {
        expect([name, headers[name.toLowerCase()]]).toEqual([name, value])
      }
    }
    const misdirected = await ask(server, { headers: { host: 'evil.test' } })
    expect(misdirected.headers['x-frame-options']).toBe('DENY')
  })

  it('have HSTS on an https issuer only', () => {
    expect(securityHeaders('http://id.test')['Strict-Transport-Security']).toBeUndefined()
    expect(securityHeaders('https://id.test')['Strict-Transport-Security']).toBe('max-age=63072000')
  })

  it('allow no inline code and no other origin', () => {
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|https?:|\*/)
  })
})

describe('allowFormRedirect', () => {
  it.each([
    ['https://client.example/cb?x=1', "form-action 'self' https://client.example"],
    ['http://127.0.0.1:51234/cb', "form-action 'self' http://127.0.0.1:51234"],
    ['http://localhost:8080/', "form-action 'self' http://localhost:8080"],
    ['com.example.app:/cb', "form-action 'self' com.example.app:"],
    ['myapp://callback', "form-action 'self' myapp:"],
    ['http://[::1]:4000/cb', "form-action 'self' http://*:4000"],
    ['https://[::1]/cb', "form-action 'self' https://*:443"],
  ])('%s adds its origin or scheme', async (uri, expected) => {
    expect(await formAction(uri)).toBe(expected)
  })

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'not a uri',
    "https://a;script-src'x'/",
    'https://a,b/',
    '/relative',
  ])('%s adds nothing', async uri => {
    expect(await formAction(uri)).toBe("form-action 'self'")
  })

  it('adds one thing once, and keeps what the provider added to script-src', () => {
    let policy = CONTENT_SECURITY_POLICY.replace("script-src 'self'", "script-src 'self' 'sha256-abc='")
    const ctx = {
      response: { get: () => policy },
      set: (_name: string, value: string) => {
        policy = value
      },
    }
    allowFormRedirect(ctx as never, 'https://client.example/a')
    allowFormRedirect(ctx as never, 'https://client.example/b')
    expect(policy.match(/client\.example/g)).toHaveLength(1)
    expect(policy).toContain("script-src 'self' 'sha256-abc='")
  })

  it('does not outlive the answer it was for', async () => {
    const answer = await ask(server, { path: '/failing-form' })
    expect(answer.status).toBe(500)
    expect(answer.headers['content-security-policy']).toBe(CONTENT_SECURITY_POLICY)
  })
})

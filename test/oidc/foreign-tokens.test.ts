// A token of one kind is never taken for another, and one that somebody made is never taken for ours.
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { base64url, decodeJwt, decodeProtectedHeader, importJWK, type JWTPayload, SignJWT } from 'jose'
import { prepareAdminLink } from '../../src/admin/admin-link.ts'
import { listSigningKeys } from '../../src/keys/signing-keys.ts'
import { createInvitation } from '../../src/sign-in/invitation.ts'
import { asking, cookieOf, formQuestion } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import {
  answer,
  authorizationRequest,
  codeFlow,
  protocolPost,
  redirectOf,
  type TokenResponse,
} from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { billing, CALLBACK, ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'

let app: TestApp
let token: TokenResponse['body']
beforeAll(async () => {
  app = await startApp({ SIGN_UP: 'invite' }, ordersFile)
  token = (await codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope: 'openid read:orders' } }))
    .token.body
})
afterAll(() => app.close())

/** How each door answers a string that should be an access token. */
async function doors(jwt: string): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${jwt}` }
  const introspected = await Promise.all(
    [undefined, 'access_token', 'refresh_token'].map(hint =>
      protocolPost(app.issuer, '/introspect', billing, {
        token: jwt,
        ...(hint && { token_type_hint: hint }),
      }),
    ),
  )
  return [
    (await asking(app)({ path: '/userinfo', headers })).status,
    (await asking(app)({ path: '/v1/credentials/self', headers })).status,
    ...introspected.map(({ body }) => body),
  ]
}
const CLOSED = [401, 401, { active: false }, { active: false }, { active: false }]

const part = (value: unknown) => base64url.encode(JSON.stringify(value))

describe('an access token that somebody made', () => {
  const rows: [string, (header: object, payload: JWTPayload, jwk: JsonWebKey) => Promise<string> | string][] =
    [
      ['alg none', (header, payload) => `${part({ ...header, alg: 'none' })}.${part(payload)}.`],
      [
        'alg none with the old signature',
        (header, payload) =>
          `${part({ ...header, alg: 'none' })}.${part(payload)}.${token.access_token?.split('.')[2]}`,
      ],
      [
        'HS256 with the public key',
        (header, payload, jwk) =>
          new SignJWT(payload)
            .setProtectedHeader({ ...header, alg: 'HS256' })
            .sign(new TextEncoder().encode(JSON.stringify(jwk))),
      ],
      ...['jwk', 'jku', 'x5u', 'x5c', 'crit'].map(
        (name): [string, (header: object, payload: JWTPayload) => Promise<string>] => [
          `a key of its own, named by ${name}`,
          (header, payload) => {
            const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
            const jwk = publicKey.export({ format: 'jwk' })
            const value = { jwk, x5c: ['AAAA'], crit: ['exp'] }[name] ?? 'http://127.0.0.1:1/keys'
            const named = { ...header, alg: 'ES256', [name]: value, ...(name === 'crit' && { exp: 1 }) }
            const signed = `${part(named)}.${part(payload)}`
            return new SignJWT(payload)
              .setProtectedHeader({ ...header, alg: 'ES256' })
              .sign(privateKey)
              .then(jwt => `${signed}.${jwt.split('.')[2]}`)
          },
        ],
      ),
      [
        'more scope under the old signature',
        (header, payload) =>
          `${part(header)}.${part({ ...payload, scope: 'admin:orders' })}.${token.access_token?.split('.')[2]}`,
      ],
    ]
  test.each(rows)('with %s opens nothing', async (_name, make) => {
    const jwt = token.access_token ?? ''
    const [key] = await listSigningKeys(app.db, app.keyring)
    const header = decodeProtectedHeader(jwt)
    expect(await doors(await make(header, decodeJwt(jwt), (key?.publicJwk ?? {}) as JsonWebKey))).toEqual(
      CLOSED,
    )
  })

  test.each([
    ['another typ', { typ: 'JWT' }, {}],
    ['no typ', { typ: undefined }, {}],
    ['another issuer', {}, { iss: 'https://evil.example' }],
    ['several audiences', {}, { aud: ['https://api.example.com', 'https://evil.example'] }],
    ['no client', {}, { client_id: undefined }],
    ['an unknown client', {}, { client_id: '__proto__' }],
    ['U+0000 for a client', {}, { client_id: '\0' }],
    ['U+0000 for everything', {}, { jti: '\0', sub: '\0', grant_id: '\0', aud: '\0' }],
    ['a lone surrogate', {}, { jti: '\ud800', sub: '\ud800', grant_id: '\ud800' }],
    ['an unknown grant', {}, { grant_id: 'unknown' }],
    ["somebody else's grant", {}, { sub: '00000000-0000-7000-8000-000000000000' }],
    ['an end in the past', {}, { exp: 1 }],
    ['a beginning in the future', {}, { nbf: 4_000_000_000 }],
    ['no end', {}, { exp: undefined }],
    ['a scope that is no text', {}, { scope: ['admin:orders'] }],
    ['a scope the client has not', {}, { scope: 'read:stock' }],
  ])('by us with %s opens nothing', async (_name, header, claims) => {
    const jwt = token.access_token ?? ''
    const [key] = await listSigningKeys(app.db, app.keyring)
    if (!key) throw new Error('no key')
    const forged = await new SignJWT({ ...decodeJwt(jwt), ...claims } as JWTPayload)
      .setProtectedHeader({ ...decodeProtectedHeader(jwt), alg: 'ES256', ...header } as { alg: string })
      .sign(await importJWK(key.privateJwk, 'ES256'))
    const [userinfo, self, ...introspected] = await doors(forged)
    expect(
      [
        [401, 403],
        [401, 403],
      ].map((allowed, at) => allowed.includes(Number([userinfo, self][at]))),
    ).toEqual([true, true])
    expect(introspected).toEqual(CLOSED.slice(2))
  })
})

describe('one kind for another', () => {
  const spend = (params: Record<string, string>) => protocolPost(app.issuer, '/token', ordersWeb, params)

  test('no access token', async () => {
    const { url } = authorizationRequest(app.issuer, ordersWeb)
    const agent = app.agent()
    const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
    const session = agent.cookies.get('latchkey_session') ?? ''
    for (const other of [code, session, token.id_token ?? '']) expect(await doors(other)).toEqual(CLOSED)
    const headers = { authorization: `Bearer ${token.refresh_token}` }
    expect((await asking(app)({ path: '/userinfo', headers })).status).toBe(401)
    expect((await asking(app)({ path: '/v1/credentials/self', headers })).status).toBe(401)
    for (const refresh_token of [code, session, token.access_token ?? '', token.id_token ?? ''])
      expect((await spend({ grant_type: 'refresh_token', refresh_token })).body.error).toBe('invalid_grant')
    for (const other of [
      session,
      token.access_token ?? '',
      token.refresh_token ?? '',
      token.id_token ?? '',
    ]) {
      const params = { grant_type: 'authorization_code', code: other, redirect_uri: CALLBACK }
      expect((await spend({ ...params, code_verifier: 'v'.repeat(43) })).body.error).toBe('invalid_grant')
    }
    for (const other of [code, session, token.id_token ?? ''])
      expect((await protocolPost(app.issuer, '/revoke', ordersWeb, { token: other })).status).toBe(200)
    expect((await agent.get('/account')).status).toBe(200)
  })

  test('no session', async () => {
    const agent = app.agent()
    const page = await agent.follow(await agent.get(authorizationRequest(app.issuer, ordersWeb).url))
    const [, , uid = ''] = new URL(page.url).pathname.split('/')
    for (const value of [uid, token.access_token ?? '', token.refresh_token ?? '', token.id_token ?? '']) {
      const headers = { cookie: `latchkey_session=${value}`, accept: 'text/html' }
      expect((await asking(app)({ path: '/v1/credentials/self', headers })).status).toBe(401)
      expect((await asking(app)({ path: '/account', headers })).status).toBe(303)
    }
  })

  test('no hint: an access token is no ID token', async () => {
    for (const hint of [token.access_token, token.refresh_token]) {
      const { status } = await asking(app)({ path: `/end_session?id_token_hint=${hint}` })
      expect(status).toBe(400)
    }
  })

  test('no link: an invitation makes no administrator, and the administrator’s link invites nobody', async () => {
    const { id } = await app.db.selectFrom('account').select('id').executeTakeFirstOrThrow()
    const invitation = await createInvitation(app.db, app.keyring, id)
    const link = new URL((await prepareAdminLink(app.db, app.keyring)) ?? '', app.issuer).searchParams.get(
      'token',
    )
    expect((await asking(app)({ path: `/admin/first-account?token=${invitation}` })).status).toBe(404)
    expect((await asking(app)({ path: `/sign-up?invite=${link}` })).status).toBe(403)

    const agent = app.agent()
    const csrf = parse((await agent.get('/sign-in')).text).forms[0]?.hidden.csrf ?? ''
    const headers = { cookie: cookieOf(agent), origin: app.issuer }
    const person = { csrf, username: 'mallory', name: 'M', email: 'm@example.com', password: PASSWORD }
    const post = (path: string, fields: Record<string, string>) =>
      asking(app)(formQuestion(path, { ...person, ...fields }, headers))
    expect((await post('/admin/first-account', { token: invitation })).status).toBe(404)
    expect((await post('/sign-up', { invite: link ?? '' })).status).toBe(403)
    const made = await app.db.selectFrom('account').select('id').where('username', '=', 'mallory').execute()
    expect(made).toEqual([])
  })
})

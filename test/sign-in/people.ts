// The people's pages on a real server and a real database. Only the browser session is a small one of our own here: the
// provider's is tested where it lives, in test/oidc and test/flows.
import { randomUUID } from 'node:crypto'
import type { AllowedApplication, BrowserSessions } from '../../src/accounts/browser-session.ts'
import { createAccountPages } from '../../src/accounts/pages.tsx'
import { createAudit } from '../../src/audit/audit.ts'
import type { SignUpPolicy } from '../../src/config.ts'
import type { Context, Middleware } from '../../src/http/context.ts'
import { cookieNames, readCookie, setCookie } from '../../src/http/cookies.ts'
import { createLog } from '../../src/log.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { createSignInPages } from '../../src/sign-in/pages.tsx'
import { type Answer, ask, FORM, ground } from '../http/ground.ts'
import { migratedDatabase } from '../support/database.ts'

export const ISSUER = 'http://id.test'
export const PASSWORD = 'correct horse battery staple'

export const keyring = createKeyring([Buffer.alloc(32, 1)])

interface Row {
  uid: string
  accountId: string
  amr: string[]
  userAgent: string
}

function rememberedSessions() {
  const rows = new Map<string, Row>()
  const cookies = cookieNames(ISSUER)
  const withdrawn: string[] = []
  const at = new Date('2026-11-01T12:00:00Z')
  const own = (ctx: Context) => rows.get(readCookie(ctx, cookies.session) ?? '')
  const endOthers: BrowserSessions['endOthers'] = async (accountId, uid) => {
    for (const row of rows.values()) if (row.accountId === accountId && row.uid !== uid) rows.delete(row.uid)
  }
  const sessions: BrowserSessions = {
    async find(ctx) {
      const row = own(ctx)
      return row && { uid: row.uid, accountId: row.accountId, amr: row.amr, signedInAt: at }
    },
    async signIn(ctx, accountId, { amr }) {
      const uid = randomUUID()
      rows.set(uid, { uid, accountId, amr, userAgent: ctx.get('user-agent') })
      setCookie(ctx, cookies, 'session', uid)
    },
    async signOut(ctx) {
      rows.delete(own(ctx)?.uid ?? '')
    },
    async list(accountId) {
      return [...rows.values()]
        .filter(row => row.accountId === accountId)
        .map(({ uid, userAgent }) => ({
          uid,
          userAgent,
          address: '203.0.113.7',
          createdAt: at,
          lastSeenAt: at,
          expiresAt: at,
          applications: ['Orders'],
        }))
    },
    async end(accountId, uid) {
      if (rows.get(uid)?.accountId === accountId) rows.delete(uid)
    },
    endOthers,
    async signOutEverywhere(ctx) {
      const row = own(ctx)
      if (row) await endOthers(row.accountId, '', {})
    },
  }
  return { sessions, withdrawn }
}

const ALLOWED: AllowedApplication = {
  clientId: 'https://app.example/client?a=1',
  name: 'Orders <b>',
  scopes: [
    {
      resource: 'https://api.example.com',
      resourceName: 'Orders API',
      scopes: [{ name: 'read:orders', description: 'See your orders' }],
    },
  ],
  allowedAt: new Date('2026-11-01T12:00:00Z'),
  lastUsedAt: null,
}

export type People = Awaited<ReturnType<typeof people>>

export async function people({ signUp = 'open' }: { signUp?: SignUpPolicy } = {}) {
  const database = await migratedDatabase()
  const { db } = database
  const audit = createAudit({ db, log: createLog('silent') })
  const { sessions, withdrawn } = rememberedSessions()
  const cookies = cookieNames(ISSUER)
  const applications = {
    list: async () => [ALLOWED],
    withdraw: async (_accountId: string, clientId: string) => void withdrawn.push(clientId),
  }
  const server = await ground({
    issuer: ISSUER,
    trustedProxies: ['127.0.0.1'],
    routes: ({ csrf, pages }) => {
      const config = { issuer: ISSUER, signUp }
      const signIn = createSignInPages({ db, keyring, cookies, audit, config, sessions, pages, csrf })
      const account = createAccountPages({ db, sessions, applications, pages, csrf })
      return [signIn.routes() as Middleware, account.routes() as Middleware]
    },
  })
  return {
    ...server,
    db,
    another: database.another,
    audit,
    withdrawn,
    browser: (address?: string) => browser(server, address),
    async close() {
      await server.close()
      await database.close()
    },
  }
}

export type Fields = Record<string, string | undefined>

/** Keeps cookies, follows nothing, posts the way a browser on http does. */
function browser(server: { port: number; issuer: string }, address = '192.0.2.1') {
  const jar = new Map<string, string>()
  async function send(method: string, path: string, body?: string, more: Record<string, string> = {}) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = {
      accept: 'text/html',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'x-forwarded-for': address,
      ...(cookie && { cookie }),
      ...(body !== undefined && { ...FORM, origin: server.issuer }),
      ...more,
    }
    const answer = await ask(server, { method, path, headers, ...(body !== undefined && { body }) })
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair = ''] = line.split(';')
      const [name = '', value = ''] = pair.split('=')
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    return answer
  }
  const get = (path: string) => send('GET', path)
  async function post(path: string, fields: Fields, more: Record<string, string> = {}): Promise<Answer> {
    const csrf = 'csrf' in fields ? fields.csrf : await csrfToken()
    const filled = Object.entries({ ...fields, csrf }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    )
    return send('POST', path, new URLSearchParams(filled).toString(), more)
  }
  /** Of a page that always has a form. */
  let token: string | undefined
  async function csrfToken(): Promise<string | undefined> {
    token ??= /name="csrf" value="([^"]+)"/.exec((await get('/sign-in')).text)?.[1]
    return token
  }
  return {
    jar,
    get,
    post,
    send,
    csrfToken,
    signUp: (fields: Fields = {}) =>
      post('/sign-up', {
        username: 'ada',
        name: 'Ada Lovelace',
        email: 'ada@example.com',
        password: PASSWORD,
        ...fields,
      }),
    signIn: (fields: Fields = {}) => post('/sign-in', { username: 'ada', password: PASSWORD, ...fields }),
    signOut: () => post('/sign-out', {}),
  }
}

/** The messages of a form by field name, and the one above it. */
export function messagesOf({ text }: Answer): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name = '', message = ''] of text.matchAll(/id="field-(\w+)-error">([^<]*)</g))
    found[name] = message
  const above = /id="form-error"[^>]*>.*?<p>([^<]*)<\/p>/.exec(text)?.[1]
  if (above) found.form = above
  return found
}

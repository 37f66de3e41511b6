// What every answer must have and must not have, whoever asks and whatever for.
import { expect } from '@jest/globals'
import { type Answer, ask, FORM, type Question } from '../http/ground.ts'
import type { TestApp } from './app.ts'
import { authorizationRequest, type FlowClient } from './authorization.ts'
import { ordersWeb } from './orders.ts'

/** Sends a request as it is written. Host is the issuer's unless given. */
export const asking = (app: TestApp) => (question: Question) =>
  ask({ port: app.config.port, issuer: app.issuer }, question)

/** What a stack trace, a query or the inside of the server looks like. */
const INSIDE =
  /\n\s+at |node_modules|\.tsx?:\d|oidc-provider|kysely|\bSELECT\b|\bINSERT\b|Cannot read propert|undefined/

const HEADERS = {
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'content-security-policy': expect.stringMatching(
    /(?=.*default-src 'none')(?=.*frame-ancestors 'none')(?!.*unsafe)(?=.*form-action 'self')/,
  ),
}

/** Not our failure, with every security header, and nothing of the inside. */
export function expectOrderly(answer: Answer): void {
  expect(answer.status).toBeLessThan(500)
  expect(answer.headers).toMatchObject(HEADERS)
  expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
  expect(answer.text).not.toMatch(INSIDE)
}

/** The error code of a refusal, in whichever dialect it came. */
export function errorOf({ headers, text }: Answer): string | undefined {
  const type = headers['content-type'] ?? ''
  if (type.startsWith('text/html')) return /<code id="error-code">\d{3} ([a-z_]+)<\/code>/.exec(text)?.[1]
  if (!type.includes('json')) return undefined
  const body = JSON.parse(text) as { error?: string; code?: string }
  return body.error ?? body.code
}

export function formQuestion(
  path: string,
  body: string | Buffer | Record<string, string>,
  headers: Record<string, string> = {},
): Question {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : String(new URLSearchParams(body))
  return { method: 'POST', path, body: text, headers: { ...FORM, ...headers } }
}

export type Params = Record<string, string | readonly string[] | undefined>

/** An authorization request of the example's web application. */
export const authorize = (params: Params): Question => ({
  path: authorizationRequest('', ordersWeb, params).url,
  headers: { accept: 'text/html' },
})

/** Each character one byte, as it is. */
export const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${id}:${secret}`, 'latin1').toString('base64')}`

export const as = ({ client_id, client_secret = '' }: FlowClient) => ({
  authorization: basic(client_id, client_secret),
})

/** Expects a refusal with this status and, where one is given, this code; and that nobody is sent anywhere. */
export const refusing =
  (ask: ReturnType<typeof asking>) => async (question: Question, status: number, code?: string) => {
    const answer = await ask(question)
    expectOrderly(answer)
    expect([answer.status, code && errorOf(answer)]).toEqual([status, code])
    expect(answer.headers.location).toBeUndefined()
  }

/** The cookies of a browser without a screen, as a header. */
export const cookieOf = (agent: { readonly cookies: Map<string, string> }) =>
  [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

const COUNTED = [
  'account',
  'client',
  'consent',
  'authorization_grant',
  'authorization_code',
  'access_token',
  'refresh_token',
  'admin_link',
  'invitation',
] as const

/** How many rows there are of what a refused request must not make. */
export async function countRows({ db }: TestApp): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of COUNTED) {
    const { count } = await db
      .selectFrom(table)
      .select(eb => eb.fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow()
    counts[table] = Number(count)
  }
  return counts
}

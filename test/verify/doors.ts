// The doors through which a credential is judged, and what each says of it, in words that can be compared.
import type { Headers } from '../credentials/kind.contract.ts'
import { type Answer, ask } from '../http/ground.ts'
import type { TestApp } from '../support/app.ts'
import { type FlowClient, protocolPost } from '../support/authorization.ts'
import { billing, ordersFile, STOCK } from '../support/orders.ts'

/** The server of the stock API, as `billing` is of the orders API. */
export const warehouse = {
  client_id: 'warehouse',
  client_secret: 'warehouse-secret-for-tests-only-0123456789',
  grant_types: ['client_credentials'],
  introspect: [STOCK],
}

export const doorsFile = { ...ordersFile, clients: [...ordersFile.clients, warehouse] }

/** Asks `app` over HTTP, as its issuer. */
export function askApp(app: Pick<TestApp, 'issuer'>, question: Parameters<typeof ask>[1]): Promise<Answer> {
  return ask({ issuer: app.issuer, port: Number(new URL(app.issuer).port) }, question)
}

/** A token with which `client` may call /v1/verify. */
export async function verifierToken(app: TestApp, client: FlowClient = billing): Promise<string> {
  const resource = `${app.issuer}/v1`
  const params = { grant_type: 'client_credentials', resource, scope: 'verify' }
  const { status, body } = await protocolPost(app.issuer, '/token', client, params)
  if (status !== 200) throw new Error(`no token for /v1/verify but ${JSON.stringify(body)}`)
  return body.access_token ?? ''
}

/** POST /v1/verify with this body. */
export async function askVerify(app: TestApp, caller: Headers | string, body: unknown): Promise<Answer> {
  const headers = typeof caller === 'string' ? { authorization: `Bearer ${caller}` } : caller
  return askApp(app, {
    method: 'POST',
    path: '/v1/verify',
    headers: { ...headers, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export const pairsOf = (headers: Headers): [string, string][] =>
  Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  )

/** Of a refusal, from the server itself or to be relayed: all that a caller can tell apart, without the request's id. */
export interface Refusal {
  readonly status: number
  readonly code: unknown
  readonly challenge: string | undefined
  readonly type: string | undefined
}

export function refusalOf({ status, headers, json }: Answer): Refusal {
  const challenge = headers['www-authenticate']
  return { status, code: json().code, challenge, type: headers['content-type'] }
}

export interface VerifyResult {
  readonly allowed: boolean
  readonly identity?: Record<string, unknown>
  readonly response?: { status: number; headers: [string, string][]; body: Record<string, unknown> }
  readonly checks?: { name: string; passed: boolean; detail: string }[]
}

export function resultOf(answer: Answer): VerifyResult {
  if (answer.status !== 200) throw new Error(`no decision but ${answer.status}: ${answer.text}`)
  return answer.json() as unknown as VerifyResult
}

/** The refusal inside a decision. */
export function relayed({ allowed, response }: VerifyResult): Refusal | 'allowed' {
  if (allowed || !response) return 'allowed'
  const one = (name: string) =>
    response.headers
      .filter(([given]) => given.toLowerCase() === name)
      .map(([, value]) => value)
      .join(', ') || undefined
  const { status, body } = response
  return { status, code: body.code, challenge: one('www-authenticate'), type: one('content-type') }
}

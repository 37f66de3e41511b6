/**
 * Whatever cannot be judged here is asked of Latchkey (`POST /v1/verify`), and its answer is kept for a moment: a good one
 * for `cacheMs`, a bad one for a second at most. Never kept: what counts, such as a rate limit, and what is spent, such as a
 * proof. An answer that was asked for before `forget` is not kept either.
 */
import { hash, X509Certificate } from 'node:crypto'
import { BoundedMap } from './bounded-map.ts'
import { type Identity, identityFromJson } from './identity.ts'
import type { OwnCredential } from './own-credential.ts'
import type { PresentedCredential } from './presented-credential.ts'
import type { PresentedRequest } from './presented-request.ts'
import { type Fetch, jsonOf, objectFrom, type Reached, reach } from './reach.ts'
import { type AnswerHeader, type ProblemBody, Refusal, refusalsOf, Unavailable } from './refusal.ts'

/** What a request is asked for, and what only the API knows about it. */
export interface Question {
  readonly scopes: readonly string[]
  readonly env: string | undefined
  readonly address: string | undefined
  /** PEM. */
  readonly certificate: string | undefined
}

export interface Asking {
  /** @throws Refusal */
  ask(
    request: PresentedRequest,
    presented: PresentedCredential | undefined,
    question: Question,
  ): Promise<Identity>
  /** @param credentialId undefined: everything */
  forget(credentialId?: string): void
}

export interface AskingOptions {
  readonly issuer: string
  readonly resource: string
  readonly origin: string
  readonly own: OwnCredential
  readonly fetch: Fetch
  readonly now: () => number
  readonly cacheMs: number
  readonly maxStaleMs: number
  readonly most: number
}

type Answer = Identity | Refusal

interface KeptAnswer {
  readonly answer: Answer
  readonly until: number
  /** Not even while Latchkey cannot be reached is it used then. */
  readonly ends: number
}

const REFUSED_MS = 1_000

export function asking(options: AskingOptions): Asking {
  const { issuer, now, cacheMs, maxStaleMs, most } = options
  // Refusals are kept apart: any number of bad credentials pushes out no good one.
  const good = new BoundedMap<KeptAnswer>(cacheMs > 0 ? most : 0)
  const bad = new BoundedMap<KeptAnswer>(cacheMs > 0 ? most : 0)
  const underWay = new Map<string, Promise<Answer>>()
  let forgottenAt = 0

  async function askOnce(key: string, request: PresentedRequest, question: Question): Promise<Answer> {
    const generation = forgottenAt
    const answer = await askLatchkey(options, request, question)
    if (generation !== forgottenAt) return answer
    if (answer instanceof Refusal) {
      // It counts no longer, not even when Latchkey cannot be reached.
      good.delete(key)
      if (isLasting(answer.headers)) {
        const until = now() + Math.min(cacheMs, REFUSED_MS)
        bad.set(key, { answer, until, ends: until })
      }
    } else if (isLasting(answer.answerHeaders) && answer.cnf?.jkt === undefined) {
      const proof = answer.cnf?.['x5t#S256'] === undefined ? undefined : question.certificate
      const ends = Math.min(timeOf(answer.expiresAt), endOf(proof))
      good.set(key, { answer, until: Math.min(now() + cacheMs, ends), ends })
    }
    return answer
  }

  return {
    async ask(request, presented, question) {
      const key = keyOf(request, presented, question)
      if (key === undefined) return letIn(await askLatchkey(options, request, question))
      const known = good.get(key) ?? bad.get(key)
      if (known && now() < known.until) return letIn(known.answer)
      const pending =
        underWay.get(key) ??
        askOnce(key, request, question).finally(() => {
          if (underWay.get(key) === pending) underWay.delete(key)
        })
      underWay.set(key, pending)
      try {
        return letIn(await pending)
      } catch (error) {
        const old = good.get(key)
        if (error instanceof Unavailable && old && now() < Math.min(old.ends, old.until + maxStaleMs))
          return letIn(old.answer)
        throw error
      }
    },

    forget(credentialId) {
      forgottenAt += 1
      underWay.clear()
      const isGone = ({ answer }: KeptAnswer) =>
        credentialId === undefined || answer instanceof Refusal || answer.credentialId === credentialId
      good.deleteIf(isGone)
      bad.deleteIf(isGone)
    },
  }

  /** Undefined: an answer about it is good for this request only. */
  function keyOf(
    request: PresentedRequest,
    presented: PresentedCredential | undefined,
    { scopes, env, address, certificate }: Question,
  ): string | undefined {
    const isProved = ['dpop', 'signature', 'signature-input', 'x-signature'].some(
      name => request.all(name).length > 0,
    )
    if (isProved || presented?.scheme === 'dpop') return undefined
    const { scheme, credential } = presented ?? {}
    const isKnown = scheme !== undefined && credential !== '' && KNOWN_SCHEMES.has(scheme)
    // Latchkey may find a credential where none is known here: then the answer is about all that was sent.
    const sent = isKnown ? [scheme, credential] : [request.method, request.target, sentTo(request)]
    return hash('sha256', JSON.stringify([issuer, sent, scopes, env, address, certificate]), 'base64')
  }
}

const timeOf = (date: Date | undefined) => date?.getTime() ?? Number.POSITIVE_INFINITY

/** What was proved with a certificate is proved until it expires. */
const endOf = (pem: string | undefined) =>
  timeOf(pem === undefined ? undefined : new X509Certificate(pem).validToDate)

function letIn(answer: Answer): Identity {
  if (answer instanceof Refusal) throw answer
  return answer
}

/** '' is a key in a header of its own. */
const KNOWN_SCHEMES = new Set(['bearer', 'apikey', 'basic', ''])

/** No cookies: a browser sends them without being asked, and an API has no protection against that. */
const sentTo = (request: PresentedRequest) =>
  request.pairs().filter(([name]) => name.toLowerCase() !== 'cookie')

const FLEETING = new Set(['ratelimit', 'retry-after', 'dpop-nonce'])
const isLasting = (headers: readonly AnswerHeader[]) =>
  headers.every(([name]) => !FLEETING.has(name.toLowerCase()))

/** @throws Unavailable when there is no answer */
async function askLatchkey(
  { issuer, resource, origin, own, fetch }: AskingOptions,
  request: PresentedRequest,
  { scopes, env, address, certificate }: Question,
): Promise<Answer> {
  const url = `${issuer}/v1/verify`
  const described = {
    method: request.method,
    url: `${origin}${request.target}`,
    headers: sentTo(request),
    client_address: address,
    client_certificate: certificate,
  }
  const body = JSON.stringify({ request: described, resource, scopes, env })
  const post = (headers: Readonly<Record<string, string>>) =>
    reach(fetch, url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body })
  const headers = await own.headers()
  const reached = await post(headers)
  // Our own token may have been revoked: once more, with a new one.
  const answer = reached.status === 401 ? await post(await own.headers(headers)) : reached
  if (isAtFault(answer)) return refusalsOf(issuer, 'Bearer').malformed('The request is malformed.')
  return answerFrom(jsonOf(url, answer), url, resource)
}

/** The question was refused because of the request that it is about: a header or an address that cannot be one. */
function isAtFault({ status, text }: Reached): boolean {
  const errors = status === 400 ? objectFrom(text)?.errors : undefined
  return (
    Array.isArray(errors) &&
    errors.length > 0 &&
    errors.every(({ path }) => /^request\.(?!client_)/.test(path))
  )
}

function answerFrom(json: Record<string, unknown>, url: string, resource: string): Answer {
  if (json.allowed === true) {
    const identity = identityFromJson(json.identity, resource, headersFrom(json.headers ?? []) ?? [])
    if (identity) return identity
  }
  if (json.allowed === false) {
    const { status, headers, body } = Object(json.response) as Record<string, unknown>
    const pairs = headersFrom(headers)
    const isRefusal = typeof status === 'number' && status >= 400 && status < 500
    if (isRefusal && pairs && typeof body === 'object' && body !== null)
      return new Refusal(pairs, { ...(body as ProblemBody), status })
  }
  throw new Unavailable(`${url} does not answer as documented`)
}

function headersFrom(value: unknown): readonly AnswerHeader[] | undefined {
  const isPair = (pair: unknown): pair is AnswerHeader =>
    Array.isArray(pair) && pair.length === 2 && pair.every(part => typeof part === 'string')
  return Array.isArray(value) && value.every(isPair) ? Object.freeze([...value]) : undefined
}

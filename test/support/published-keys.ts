// A verifier that has nothing of a server but its JWKS, which it keeps for exactly as long as Cache-Control allows: it never
// asks again because a key is missing. Whoever signs too early with a new key, or drops an old one too early, fails here.
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import type { Answer, Question } from '../http/ground.ts'

export interface PublishedKeys {
  /** Why it is not good; undefined: it is. ES256 only. */
  judge(jwt: string): Promise<string | undefined>
  /** How often the JWKS was asked for, and how often that was answered with 304. */
  readonly asked: { times: number; unchanged: number }
}

export interface PublishedKeysOptions {
  readonly ask: (question: Question) => Promise<Answer>
  /** Seconds. */
  readonly clock: () => number
  /** Seconds that the first copy is kept less long, as if it had been read earlier. */
  readonly ahead?: number
}

const part = (text = '') => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>

export function createPublishedKeys({ ask, clock, ahead = 0 }: PublishedKeysOptions): PublishedKeys {
  const asked = { times: 0, unchanged: 0 }
  let kept: { keys: Map<string, KeyObject>; until: number; etag: string } | undefined
  let reading: Promise<Map<string, KeyObject>> | undefined

  async function read(): Promise<Map<string, KeyObject>> {
    asked.times += 1
    const { status, headers, text } = await ask({
      path: '/jwks',
      headers: kept ? { 'if-none-match': kept.etag } : {},
    })
    const [, maxAge] = /max-age=(\d+)/.exec(headers['cache-control'] ?? '') ?? []
    if (maxAge === undefined) throw new Error(`the JWKS does not say how long it may be kept: ${status}`)
    const until = clock() + Number(maxAge) - (kept ? 0 : ahead)
    if (status === 304 && kept) {
      asked.unchanged += 1
      kept = { ...kept, until }
      return kept.keys
    }
    const { keys } = JSON.parse(text) as { keys: (JsonWebKey & { kid: string; alg: string })[] }
    const ours = keys.filter(({ alg }) => alg === 'ES256')
    const found = new Map(ours.map(key => [key.kid, createPublicKey({ key, format: 'jwk' })]))
    kept = { keys: found, until, etag: headers.etag ?? '' }
    return found
  }

  async function keysOfNow(): Promise<Map<string, KeyObject>> {
    if (kept && clock() < kept.until) return kept.keys
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }

  return {
    asked,
    async judge(jwt) {
      const [header, payload, signature = ''] = jwt.split('.')
      const { alg, typ, kid } = part(header)
      if (alg !== 'ES256' || typ !== 'at+jwt') return `it is of another kind: ${alg} ${typ}`
      const key = (await keysOfNow()).get(String(kid))
      if (!key) return `the key ${kid} is not published`
      const data = Buffer.from(`${header}.${payload}`)
      const isSigned = verify(
        'sha256',
        data,
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      )
      if (!isSigned) return `the signature of ${kid} is wrong`
      return Number(part(payload).exp) > Date.now() / 1000 ? undefined : 'it has expired'
    },
  }
}

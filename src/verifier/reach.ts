/** The verifier's own requests to Latchkey: bounded in time and size, never redirected. */
import { Unavailable } from './refusal.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

const TIMEOUT_MS = 5_000
const MOST_BYTES = 4 * 1024 * 1024

export interface Reached {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** @throws Unavailable when there is no answer, or one that is too long */
export async function reach(fetch: Fetch, url: string, init: RequestInit = {}): Promise<Reached> {
  try {
    return await reachOnce(fetch, url, init)
  } catch (cause) {
    // An idle connection may have been closed at the other end just now. A document can be asked for twice; a question
    // about a proof cannot, since it is spent.
    const isSafe = init.method === undefined && Object(cause).name !== 'TimeoutError'
    const answer = isSafe ? await reachOnce(fetch, url, init).catch(() => undefined) : undefined
    if (answer) return answer
    throw new Unavailable(`${url} cannot be reached`, cause)
  }
}

async function reachOnce(fetch: Fetch, url: string, init: RequestInit): Promise<Reached> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { ...init, signal, redirect: 'error' })
  return { status: response.status, headers: response.headers, text: await textOf(response) }
}

async function textOf({ body }: Response): Promise<string> {
  if (!body) return ''
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MOST_BYTES) throw new Error('The answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** @throws Unavailable for another status, or what is no JSON object */
export function jsonOf(url: string, { status, text }: Reached): Record<string, unknown> {
  if (status !== 200) throw new Unavailable(`${url} answers ${status}: ${text.slice(0, 500)}`)
  const json = objectFrom(text)
  if (!json) throw new Unavailable(`${url} does not answer with a JSON object`)
  return json
}

/** Undefined for what is no JSON object. */
export function objectFrom(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** RFC 9111: how many milliseconds the answer may be kept; undefined when it does not say. */
export function maxAgeMs(headers: Headers): number | undefined {
  const cacheControl = headers.get('cache-control') ?? ''
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return 0
  const [, seconds] = /\bmax-age="?(\d{1,9})/i.exec(cacheControl) ?? []
  if (seconds === undefined) return undefined
  return Math.max(0, Number(seconds) - Number(headers.get('age') ?? 0)) * 1000
}

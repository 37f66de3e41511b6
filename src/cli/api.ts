/** Asks a running server's JSON API, as the environment says (config.ts). */
import { readApiAccess } from '../config.ts'

const LONGEST_MS = 60_000

/**
 * @param path below the server's origin, query included
 * @returns the JSON of the answer
 * @throws Error in words for people: what the server said, or that it cannot be reached
 */
export async function callApi<T>(method: string, path: string, body?: object): Promise<T> {
  const { url, token } = readApiAccess()
  const response = await send(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    // A token is for this server only.
    redirect: 'error',
    signal: AbortSignal.timeout(LONGEST_MS),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`The server refused: ${reasonOf(response, text)}`)
  return JSON.parse(text) as T
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    throw new Error(
      `There is no answer from ${new URL(url).origin}. Is LATCHKEY_URL right, and the server running?`,
      { cause: error },
    )
  }
}

/** What the problem document says (RFC 9457), with every mistake of the request. */
function reasonOf({ status, headers }: Response, text: string): string {
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return `HTTP ${status}`
  const problem = JSON.parse(text) as {
    title?: string
    detail?: string
    code?: string
    errors?: { path: string; message: string }[]
  }
  const mistakes = (problem.errors ?? []).map(({ path, message }) => `${path} ${message}`)
  return [problem.detail ?? problem.title, ...mistakes, `(${status} ${problem.code ?? ''})`].join(' ')
}

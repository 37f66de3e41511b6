// Status lists as a resource server reads them, written from draft-ietf-oauth-status-list alone: nothing of src.
import { inflateSync } from 'node:zlib'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Answer } from '../http/ground.ts'

export interface Fetched {
  readonly status: number
  readonly type: string | undefined
  readonly text: string
}

/** Bit `idx` of a list with one bit per entry: the first of a byte is its lowest (section 4.1). */
export function bitAt(list: Buffer, idx: number): number {
  const byte = list[Math.floor(idx / 8)]
  if (byte === undefined) throw new Error(`the list ends before ${idx}`)
  return (byte >> (idx % 8)) & 1
}

/** `lst` of a document. */
export const inflate = (lst: string) => inflateSync(Buffer.from(lst, 'base64url'))

export interface StatusReader {
  /** 0: valid, 1: invalid. Each list is fetched once. */
  statusOf(accessToken: string): Promise<number>
  /** How many lists were fetched. */
  lists(): number
}

/** @param get by path */
export function createStatusReader(issuer: string, get: (path: string) => Promise<Fetched>): StatusReader {
  const lists = new Map<string, Promise<Buffer>>()
  let keys: Promise<JSONWebKeySet> | undefined

  async function fetchList(uri: string): Promise<Buffer> {
    if (!uri.startsWith(`${issuer}/`)) throw new Error(`${uri} is not the issuer's`)
    const { status, type, text } = await get(uri.slice(issuer.length))
    if (status !== 200) throw new Error(`${uri} answered ${status}`)
    if (type !== 'application/statuslist+jwt') throw new Error(`${uri} is ${type}`)
    keys ??= get('/jwks').then(answer => JSON.parse(answer.text) as JSONWebKeySet)
    const { payload } = await jwtVerify(text, createLocalJWKSet(await keys), {
      typ: 'statuslist+jwt',
      subject: uri,
      requiredClaims: ['iat', 'exp', 'ttl', 'status_list'],
    })
    const { bits, lst } = payload.status_list as { bits: number; lst: string }
    if (bits !== 1) throw new Error(`${uri} has ${bits} bits per entry`)
    return inflate(lst)
  }

  return {
    async statusOf(accessToken) {
      const { status } = decodeJwt<{ status?: { status_list: { idx: number; uri: string } } }>(accessToken)
      if (!status) throw new Error('the token names no status list')
      const { idx, uri } = status.status_list
      const list = lists.get(uri) ?? fetchList(uri)
      lists.set(uri, list)
      return bitAt(await list, idx)
    },
    lists: () => lists.size,
  }
}

/** What one of several nodes answers. */
export const readFrom =
  (node: { ask(question: { path: string }): Promise<Answer> }) =>
  async (path: string): Promise<Fetched> => {
    const { status, headers, text } = await node.ask({ path })
    return { status, type: headers['content-type'], text }
  }

/** From one server. */
export const readerOf = (issuer: string): StatusReader =>
  createStatusReader(issuer, async path => {
    const answer = await fetch(`${issuer}${path}`)
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? undefined,
      text: await answer.text(),
    }
  })

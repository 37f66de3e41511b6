/**
 * Where the status of one JWT access token stands: a bit of a status list (draft-ietf-oauth-status-list). The token's id
 * names it too, so whoever revokes a token by its id alone revokes it in the list.
 */
import { randomBytes } from 'node:crypto'

export interface StatusReference {
  readonly listId: number
  /** Counts from 0. */
  readonly idx: number
}

/** Bits of every list. */
export const LIST_CAPACITY = 1_000_000

/** List ids are below: they are integers in the database. */
export const LIST_IDS_END = 2 ** 31

/** Above LIST_CAPACITY; with list ids below LIST_IDS_END the product stays an exact number. */
const FACTOR = 2 ** 20

/** List and index as one number, as `status_indexes` columns keep it. */
export function packStatus({ listId, idx }: StatusReference): number {
  return listId * FACTOR + idx
}

/** @param packed from a bigint column */
export function unpackStatus(packed: string): StatusReference {
  const value = Number(packed)
  return { listId: Math.floor(value / FACTOR), idx: value % FACTOR }
}

/** A new id (`jti`) for the token that has this status: 96 random bits, the list, the index. */
export function createTokenId({ listId, idx }: StatusReference): string {
  return `${randomBytes(12).toString('hex')}-${listId}-${idx}`
}

const TOKEN_ID = /^[\da-f]{24}-([1-9]\d{0,9})-(0|[1-9]\d{0,5})$/

/** What `createTokenId` was given. Undefined for the id of anything else. */
export function statusOfTokenId(id: string): StatusReference | undefined {
  const [, listId, idx] = TOKEN_ID.exec(id) ?? []
  return Number(listId) < LIST_IDS_END ? { listId: Number(listId), idx: Number(idx) } : undefined
}

export const STATUS_LISTS_PATH = '/status-lists'

/** The list's address, and the `sub` of its document. */
export function statusListUri(issuer: string, listId: number): string {
  return `${issuer}${STATUS_LISTS_PATH}/${listId}`
}

/** The claim `status` of a token (section 6.1). */
export interface StatusClaim {
  readonly status_list: { readonly idx: number; readonly uri: string }
}

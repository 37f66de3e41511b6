/** Which credential a request has, by its looks. There is one or none: with a second one nobody may guess which one counts. */
import type { PresentedRequest } from './presented-request.ts'
import { type Refusals, refusalsOf } from './refusal.ts'

export interface PresentedCredential {
  /** In lower case; '' for a key in a header of its own. */
  readonly scheme: string
  readonly credential: string
  /** May be one: three parts in the scheme Bearer or DPoP. Whether it is a JWT is not looked at. */
  readonly mayBeJwt: boolean
}

/** Ours, in the address: `<prefix>_<env>_<kind>_…` */
const MINTED = /^[a-z][a-z0-9]{1,15}_[a-z0-9-]+_(?:key|pat)_/

/**
 * @param apiKeyHeader in lower case; undefined: only `X-API-Key`
 * @returns undefined when the request has none that is known here: a signature (RFC 9421) is not
 * @throws Refusal 400
 */
export function findPresented(
  issuer: string,
  request: PresentedRequest,
  apiKeyHeader: string | undefined,
): PresentedCredential | undefined {
  if (request.target.includes('?')) refuseTokenInAddress(issuer, request.target)
  const sent = request.all('authorization')
  const keys = request.all('x-api-key')
  const others = apiKeyHeader === undefined ? [] : request.all(apiKeyHeader)
  const count = sent.length + keys.length + others.length
  const isSigned = request.all('signature').length + request.all('signature-input').length > 0
  if (count > (isSigned ? 0 : 1)) throw refusalsOf(issuer, 'Bearer').ambiguous()
  if (count === 0) return undefined
  const [authorization] = sent
  if (authorization === undefined)
    return { scheme: '', credential: keys[0] ?? others[0] ?? '', mayBeJwt: false }
  const value = authorization.trim()
  const end = value.search(/\s|$/)
  const scheme = value.slice(0, end).toLowerCase()
  const credential = value.slice(end).trimStart()
  return { scheme, credential, mayBeJwt: (scheme === 'bearer' || scheme === 'dpop') && hasDots(credential) }
}

/** The refusals in the words of the scheme that a credential came in. */
export const refusalsFor = (issuer: string, presented: PresentedCredential | undefined): Refusals =>
  refusalsOf(issuer, presented?.scheme === 'dpop' ? 'DPoP' : 'Bearer')

function hasDots(text: string): boolean {
  const first = text.indexOf('.')
  return first !== -1 && text.includes('.', first + 1)
}

function refuseTokenInAddress(issuer: string, target: string): void {
  const fields = new URLSearchParams(target.slice(target.indexOf('?')))
  if (fields.has('access_token') || [...fields.values()].some(value => MINTED.test(value)))
    throw refusalsOf(issuer, 'Bearer').inAddress()
}

/**
 * DPoP (RFC 9449): a token that is bound to a key is good only with a proof, a JWT made for this one request and signed with
 * that key. Whoever steals the token alone has nothing.
 */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256']
/** How old a proof may be, and how far ahead its maker's clock. */
const RECENT_SECONDS = 60

const now = () => Math.floor(Date.now() / 1000)

/**
 * @param request node:http's, with a token in the scheme DPoP
 * @param origin  this API's own address, as callers know it
 * @returns whose proof it is, and whether it is recent; undefined when there is none, or none that is good for this
 */
export async function readProof(request, token, origin) {
  const proofs = request.rawHeaders.filter((_, at, all) => at % 2 === 1 && /^dpop$/i.test(all[at - 1]))
  if (proofs.length !== 1) return undefined
  const [proof] = proofs
  const expected = { algorithms: ALGORITHMS, typ: 'dpop+jwt', requiredClaims: ['jti', 'iat'] }
  const verified = await jwtVerify(proof, EmbeddedJWK, expected).catch(() => undefined)
  if (!verified) return undefined
  const { jti, iat, htm, htu, ath } = verified.payload
  const isForThis =
    htm === request.method &&
    addressOf(htu) === addressOf(`${origin}${request.url}`) &&
    ath === createHash('sha256').update(token).digest('base64url')
  if (!isForThis) return undefined
  const jkt = await calculateJwkThumbprint(verified.protectedHeader.jwk)
  return { jkt, jti, iat, isRecent: Math.abs(now() - iat) <= RECENT_SECONDS }
}

/** Without query and fragment. */
function addressOf(text) {
  const url = URL.parse(text)
  if (!url) return undefined
  url.search = ''
  url.hash = ''
  return url.href
}

/**
 * Remembers proofs for as long as they are recent, in this process: more than one would have to share this.
 * @returns a function that says whether it sees a proof for the first time
 */
export function createSpentProofs() {
  const spent = new Map()
  return ({ jkt, jti, iat }) => {
    for (const [id, until] of spent) if (until < now()) spent.delete(id)
    const id = `${jkt} ${jti}`
    if (spent.has(id)) return false
    spent.set(id, iat + RECENT_SECONDS)
    return true
  }
}

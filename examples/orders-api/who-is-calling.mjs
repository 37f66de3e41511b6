/**
 * Who is calling, and may they do it? A JWT access token is judged here, offline, with Latchkey's published keys. About
 * everything else, API keys, personal tokens, opaque tokens, Latchkey is asked; a refusal is its answer, word for word.
 */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { createSpentProofs, readProof } from './proof-of-possession.mjs'

const TIMEOUT_MS = 5_000
/** A token for asking is renewed this long before it expires. */
const MARGIN_MS = 30_000
const JWT = /^(?:bearer|dpop) +([\w-]+\.[\w-]+\.[\w-]+)$/i
const BOUND = /^dpop +(\S+)$/i

/** Latchkey could not be asked. Nobody is let in then: the answer is 503. */
export class Unavailable extends Error {}

/**
 * @param api.issuer   Latchkey's address
 * @param api.resource this API's identifier: the audience of the tokens it takes
 * @param api.origin   this API's own address, as callers know it
 * @param api.clientId, api.clientSecret a client whose `introspect` lists the resource
 */
export function createDoor({ issuer, resource, origin, clientId, clientSecret }) {
  const discovered = remembered(async () => {
    const found = await fetchJson(`${issuer}/.well-known/openid-configuration`)
    return { ...found, keys: createRemoteJWKSet(new URL(found.jwks_uri)) }
  })

  /** For asking: the scope `verify` comes with being the resource's server. */
  const ownToken = remembered(async () => {
    const { token_endpoint } = await discovered()
    const { access_token, expires_in } = await fetchJson(token_endpoint, {
      method: 'POST',
      headers: { authorization: basic(clientId, clientSecret) },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: `${issuer}/v1`,
        scope: 'verify',
      }),
    })
    return { access_token, until: Date.now() + expires_in * 1000 - MARGIN_MS }
  })

  const isFirstUse = createSpentProofs()

  /** Undefined: not a JWT alone, or not good for this. Latchkey then says what it is. */
  async function judgeHere(request, scopes, proof) {
    const [, jwt] = JWT.exec(request.headers.authorization ?? '') ?? []
    if (jwt === undefined || !isAlone(request)) return undefined
    const { keys } = await discovered()
    const expected = { issuer, audience: resource, typ: 'at+jwt', algorithms: ['ES256', 'EdDSA', 'RS256'] }
    const verified = await jwtVerify(jwt, keys, expected).catch(() => undefined)
    if (!verified) return undefined
    const { sub, client_id, scope = '', cnf } = verified.payload
    const granted = scope.split(' ')
    if (!isHolder(request, cnf, proof) || !scopes.every(one => granted.includes(one))) return undefined
    const subject = { type: sub === client_id ? 'client' : 'account', id: sub }
    return { allowed: true, identity: { kind: 'access-token', subject, resource, scopes: granted } }
  }

  async function askLatchkey(request, scopes) {
    const body = JSON.stringify({ request: describe(request, origin), resource, scopes })
    let refused
    for (;;) {
      const token = await ownToken(one => one !== refused && Date.now() < one.until)
      const headers = { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' }
      const response = await reach(`${issuer}/v1/verify`, { method: 'POST', headers, body })
      // Our own token may have been revoked: once more, with a new one.
      if (response.status !== 401 || refused) return jsonOf(response)
      refused = token
    }
  }

  /**
   * @param request node:http's
   * @param scopes  all of them are needed
   * @returns `{ allowed: true, identity, headers? }` or `{ allowed: false, response: { status, headers, body } }`
   * @throws Unavailable
   */
  return async (request, scopes) => {
    const [, bound] = BOUND.exec(request.headers.authorization ?? '') ?? []
    const proof = bound === undefined ? undefined : await readProof(request, bound, origin)
    const decision = (await judgeHere(request, scopes, proof)) ?? (await askLatchkey(request, scopes))
    // Whoever has judged it, here it was seen.
    return decision.allowed === true && proof && !isFirstUse(proof) ? proofUsedBefore(issuer) : decision
  }
}

/** One that is bound to a key is no bearer token, and one that is not has no use for a proof (RFC 9449, section 7). */
function isHolder(request, cnf, proof) {
  const isBound = BOUND.test(request.headers.authorization)
  if (!isBound) return cnf === undefined
  // Bound to anything else as well: Latchkey knows what that takes.
  return proof?.isRecent === true && Object.keys(cnf ?? {}).join() === 'jkt' && cnf.jkt === proof.jkt
}

function proofUsedBefore(issuer) {
  const code = 'invalid_dpop_proof'
  const detail = 'The DPoP proof was used before: every request needs one of its own.'
  return {
    allowed: false,
    response: {
      status: 401,
      headers: [
        ['Content-Type', 'application/problem+json'],
        ['Cache-Control', 'no-store'],
        ['WWW-Authenticate', `DPoP realm="${issuer}", error="${code}"`],
      ],
      body: { type: 'about:blank', title: 'Unauthorized', status: 401, detail, code },
    },
  }
}

/** With a second credential beside it, or one in the address, nobody may guess which one counts. */
function isAlone({ url, rawHeaders }) {
  const places = rawHeaders.filter((name, at) => at % 2 === 0 && /^(?:authorization|x-api-key)$/i.test(name))
  const [, query = ''] = url.split('?')
  return places.length === 1 && !new URLSearchParams(query).has('access_token')
}

/** No cookies: a browser sends them without being asked, and this API has no protection against that. */
function describe({ method, url, rawHeaders, socket }, origin) {
  const pairs = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1]]] : []))
  const [address] = (socket.remoteAddress ?? '').split('%')
  return {
    method,
    url: `${origin}${url}`,
    headers: pairs.filter(([name]) => name.toLowerCase() !== 'cookie'),
    client_address: address, // behind a proxy of yours: what that proxy says
  }
}

/** RFC 6749, section 2.3.1: both are form-encoded first. */
function basic(clientId, secret) {
  const encode = text => new URLSearchParams({ text }).toString().slice('text='.length)
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`
}

/** What `load` gave, as long as it is good. Calls at the same time share one load; a failure is not kept. */
function remembered(load) {
  let kept
  return async (isGood = () => true) => {
    const seen = kept
    const value = await seen?.catch(() => undefined)
    if (value && isGood(value)) return value
    if (kept === seen) kept = load()
    return kept
  }
}

const fetchJson = async (url, init) => jsonOf(await reach(url, init))

async function reach(url, init) {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  return fetch(url, { ...init, signal, redirect: 'error' }).catch(cause => {
    throw new Unavailable(`${url} cannot be reached`, { cause })
  })
}

async function jsonOf(response) {
  if (response.status !== 200) throw new Unavailable(`${response.url} answers ${response.status}`)
  return response.json().catch(cause => {
    throw new Unavailable(`${response.url} does not answer in JSON`, { cause })
  })
}

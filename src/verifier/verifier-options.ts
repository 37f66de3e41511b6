/** The options of a verifier, checked when it is made: what cannot be meant is not found out by a caller. */
import type { Fetch } from './reach.ts'
import type { VerifierOptions } from './verifier.ts'

const REPORT_PAUSE_MS = 10_000

export function checkedOptions(options: VerifierOptions) {
  const { issuer, resource, credentials, apiKeyHeader, requireStatus = false, dpop = {} } = options
  const { now = Date.now, report = warn(now) } = options
  const { nonces = false } = dpop
  const address = URL.parse(issuer)
  if (!address || address.origin !== issuer)
    throw new TypeError('issuer has to be an origin, as ISSUER has it')
  if (address.protocol !== 'https:' && !isLoopback(address.hostname))
    throw new TypeError('issuer has to use https: plain http is for loopback addresses')
  if (resource === '') throw new TypeError('resource is missing')
  const clockTolerance = within(options.clockToleranceSeconds ?? 15, 0, 60, 'clockToleranceSeconds')
  const maxAgeSeconds = within(dpop.maxAgeSeconds ?? 60, 1, 300, 'dpop.maxAgeSeconds')
  if (nonces instanceof Uint8Array && nonces.length < 32)
    throw new TypeError('dpop.nonces needs at least 32 bytes')
  return {
    issuer,
    resource,
    origin: originOf(options.origin ?? resource),
    credentials,
    apiKeyHeader: apiKeyHeader?.toLowerCase(),
    requireStatus,
    cacheMs: within(options.cacheSeconds ?? 2, 0, 60, 'cacheSeconds') * 1000,
    maxStaleMs: within(options.maxStaleSeconds ?? 0, 0, 300, 'maxStaleSeconds') * 1000,
    maxStaleKeysMs: within(options.maxStaleKeysSeconds ?? 3600, 0, 86_400, 'maxStaleKeysSeconds') * 1000,
    tolerance: clockTolerance,
    prefix: prefixOf(options.forwardAuth),
    most: within(options.mostRemembered ?? 10_000, 0, 10_000_000, 'mostRemembered'),
    dpop: {
      maxAgeSeconds,
      nonces: nonces === true ? undefined : nonces,
      mostRemembered: within(dpop.mostRemembered ?? 100_000, 1, 10_000_000, 'dpop.mostRemembered'),
      // A proof is good until its age is over, or its nonce, which is good for three minutes.
      keptMs: Math.max(maxAgeSeconds + 2 * clockTolerance, 180) * 1000,
    },
    fetch: options.fetch ?? (((url, init) => fetch(url, init)) satisfies Fetch),
    now,
    report,
  }
}

/** Undefined: there is no proxy that asks. */
function prefixOf(forwardAuth: VerifierOptions['forwardAuth']): string | undefined {
  if (forwardAuth === undefined || forwardAuth === false) return undefined
  const { prefix = '' } = forwardAuth === true ? {} : forwardAuth
  if (!/^(?:\/[^/?#]+)*$/.test(prefix))
    throw new TypeError('forwardAuth.prefix is a path, such as /orders, without a slash at its end')
  return prefix
}

function originOf(address: string): string {
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TypeError('origin is missing: the address of this API, as callers know it')
  return url.origin
}

function within(value: number, least: number, most: number, name: string): number {
  if (!(value >= least && value <= most)) throw new TypeError(`${name} has to be from ${least} to ${most}`)
  return value
}

const isLoopback = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)

/** Once in a while: when Latchkey is down every request would say so. */
function warn(now: () => number): (error: unknown) => void {
  let last = Number.NEGATIVE_INFINITY
  return error => {
    if (now() < last + REPORT_PAUSE_MS) return
    last = now()
    process.emitWarning(String(reasonOf(error)), { code: 'LATCHKEY_VERIFIER' })
  }
}

/** An `Unavailable` says the same to everybody; why it is one stands in its cause. */
function reasonOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : error
}

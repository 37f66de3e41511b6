/**
 * What a resource demands beside one good credential (docs/layers.md): a registered client certificate that comes
 * together with it, an address that it comes from. The two credentials do not compete; the explicit one says who is calling.
 *
 * The order keeps strangers out early: the address, whether all is there, the certificate, and the credential last. Whoever
 * lacks the certificate cannot try credentials, and of a credential that comes without it nothing is counted or spent.
 */
import { isInRanges } from '../http/address-range.ts'
import { Problem } from '../http/problem.ts'
import type { RequestView } from '../http/request-view.ts'
import type { Resource } from '../resources/resource.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { CERTIFICATE_LAYER, hasDemands } from '../resources/resource-layers.ts'
import { type Check, type Checks, createChecks } from './checks.ts'
import type { CredentialKind, Identity, Verification, Wanted } from './kind.ts'
import type { Refusals } from './refusals.ts'

/** A credential that its kind has claimed. */
export interface Presented {
  readonly kind: CredentialKind
  readonly verify: Verification
}

export interface Layered {
  readonly request: RequestView
  readonly wanted: Wanted
  /** The one that speaks for the request; undefined: none that is taken. */
  readonly chosen: Presented | undefined
  readonly certificate: Presented | undefined
  /** The refusal when none is chosen. */
  readonly nothing: () => Problem
}

export interface Demand {
  /** Whether a credential of this kind may speak for a request. */
  takes(kind: CredentialKind): boolean
  /** @throws Problem 403 `address_not_allowed`, 401, 403 `missing_layer`, and whatever the credentials are refused with */
  verify(layered: Layered): Promise<Identity>
}

/** Undefined: one good credential is enough there. */
export type FindDemand = (resource: string | undefined) => Promise<Demand | undefined>

export function createLayers({
  resources,
  refusals,
}: {
  resources: Pick<ResourceDirectory, 'find'>
  refusals: Refusals
}): FindDemand {
  return async identifier => {
    const resource = identifier === undefined ? undefined : await resources.find(identifier)
    if (!resource || !hasDemands(resource)) return undefined
    const explicit = resource.layers.filter(layer => layer !== CERTIFICATE_LAYER)
    return {
      takes: ({ name }) => explicit.length === 0 || explicit.some(layer => layer === name),

      async verify(layered) {
        const checks = createChecks(layered.wanted.explain)
        checkAddress(resource, layered, refusals, checks)
        if (explicit.length === 0) return speak(layered, checks)
        const { chosen, nothing } = layered
        checks.need(
          'layer_credential',
          chosen !== undefined,
          () =>
            chosen ? `it is of the kind ${chosen.kind.name}` : `none of ${explicit.join(', ')} was shown`,
          () => refusals.lackingLayer(nothing(), 'credential'),
        )
        const { detail, refusal } = await judgeCertificate(layered, refusals)
        checks.need(
          'layer_certificate',
          refusal === undefined,
          () => detail,
          () => refusal ?? refusals.missingCertificate(detail),
        )
        return speak(layered, checks)
      },
    }
  }
}

function checkAddress(
  { allowedAddresses: ranges }: Resource,
  { request, wanted }: Layered,
  refusals: Refusals,
  checks: Checks,
): void {
  if (ranges === null) return
  const address = wanted.address ?? request.address
  checks.need(
    'layer_address',
    isInRanges(ranges, address),
    () => `it is taken from ${ranges.map(({ text }) => text).join(', ')}; this is ${address || 'not known'}`,
    refusals.outsideOfResource,
  )
}

interface Judged {
  readonly detail: string
  /** Undefined: it is good, and beside the right credential. */
  readonly refusal?: Problem
}

/**
 * Its own scopes there do not matter, as long as it has one: the credential beside it says what may be done. That one is
 * looked at first, as an explanation would, because several clients may have registered the certificate.
 */
async function judgeCertificate(
  { wanted, certificate, chosen }: Layered,
  refusals: Refusals,
): Promise<Judged> {
  const missing = (detail: string): Judged => ({ detail, refusal: refusals.missingCertificate(detail) })
  if (!certificate) return missing('no certificate was shown')
  const beside = chosen && (await outcomeOf(chosen, { ...wanted, explain: () => undefined }))
  const clientId = beside instanceof Problem ? undefined : beside?.clientId
  const { scopes: _, explain, ...rest } = wanted
  const checks: Check[] = []
  const note = (check: Check) => void checks.push(check)
  const judged = await outcomeOf(certificate, {
    ...rest,
    ...(clientId !== undefined && { clientId }),
    ...(explain && { explain: note }),
  })
  if (judged instanceof Problem) {
    const failed = checks.find(({ passed }) => !passed)
    const detail = failed ? `${failed.name}: ${failed.detail}` : (judged.detail ?? judged.message)
    return IS_NONE_HERE.has(judged.code) ? missing(detail) : { detail, refusal: judged }
  }
  if (clientId !== undefined && clientId !== judged.clientId) return missing('it belongs to another client')
  return { detail: `it is registered for ${judged.clientId}` }
}

/** Refusals that mean: it is no certificate of this resource. The others say what to do about it. */
const IS_NONE_HERE = new Set(['invalid_token', 'wrong_audience', 'insufficient_scope'])

/** @throws what is no refusal */
async function outcomeOf({ verify }: Presented, wanted: Wanted): Promise<Identity | Problem> {
  try {
    return await verify(wanted)
  } catch (error) {
    if (error instanceof Problem && error.status < 500) return error
    throw error
  }
}

/** The chosen one has the last word, unless a layer was refused before and somebody wants the rest explained. */
async function speak({ chosen, wanted, nothing }: Layered, checks: Checks): Promise<Identity> {
  const outcome = chosen ? await outcomeOf(chosen, wanted) : nothing()
  checks.settle()
  if (outcome instanceof Problem) throw outcome
  return outcome
}

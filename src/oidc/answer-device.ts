/**
 * What a person's answer to a device does, in one transaction each: the grant and the decision stand or fall together, so
 * a code is answered once, and an answer that came too late leaves nothing behind.
 */
import type { BrowserSession } from '../accounts/browser-session.ts'
import type { Client } from '../clients/client.ts'
import { transaction } from '../db/transaction.ts'
import type { Source } from '../http/context.ts'
import { type Access, subtract } from './access.ts'
import { holdSession } from './backchannel-logout.ts'
import { recordConsent } from './consent.ts'
import type { OidcDeps } from './deps.ts'
import { decideDevice, type WaitingDevice } from './device-code.ts'
import { createGrant, signedOutMeanwhile } from './grant.ts'
import { epoch } from './sealed-document.ts'

export interface DeviceAnswer {
  readonly device: WaitingDevice
  readonly client: Client
  /** That has entered the code. */
  readonly session: BrowserSession
  readonly source: Source
}

/** Undoes the transaction of an answer that came too late. */
const TOO_LATE = Symbol('too late')

const auditEvent = ({ device, client, session, source }: DeviceAnswer) => ({
  actor: { type: 'account', id: session.accountId } as const,
  subject: { type: 'account', id: session.accountId },
  credential: { kind: 'session', id: session.uid },
  clientId: client.clientId,
  source,
  detail: { device: device.id, device_address: device.address, device_user_agent: device.userAgent },
})

/**
 * Gives the device its grant. The consent is remembered also for clients that need none, so that the person finds the
 * device in the list of applications and can end it there.
 * @returns false when the code had run out or was answered before: then nothing has happened
 */
export async function allowDevice(
  deps: OidcDeps,
  answer: DeviceAnswer & { readonly asked: Access; readonly granted: Access },
): Promise<boolean> {
  const { db, audit } = deps
  const { device, client, session, asked, granted } = answer
  const { accountId } = session
  const event = auditEvent(answer)
  const payload = {
    scope: [...new Set([granted.openid, ...granted.resources.values()].flat())].join(' '),
    ...(device.params.resource !== undefined && { resource: device.params.resource }),
    authTime: epoch(session.signedInAt),
    amr: session.amr,
    ...(session.acr !== undefined && { acr: session.acr }),
  }
  return transaction(db, async tx => {
    // The grant is not the session's, so nothing else makes an end of the session wait for it.
    if (!(await holdSession(tx, session.uid))) throw signedOutMeanwhile()
    const grantId = await createGrant(tx, deps, {
      accountId,
      client,
      sessionUid: undefined,
      granted,
      rejected: subtract(asked, granted),
    })
    if (!(await decideDevice(tx, device.id, session.uid, { accountId, grantId, payload }))) throw TOO_LATE
    await recordConsent(tx, accountId, client.clientId, granted)
    await audit.record(tx, {
      ...event,
      type: 'consent_given',
      outcome: 'success',
      detail: {
        ...event.detail,
        grant_id: grantId,
        openid: granted.openid,
        resources: Object.fromEntries(granted.resources),
      },
    })
    return true
  }).catch((error: unknown) => {
    if (error === TOO_LATE) return false
    throw error
  })
}

/** @returns false as `allowDevice` does */
export async function denyDevice(deps: OidcDeps, answer: DeviceAnswer): Promise<boolean> {
  const { device, session } = answer
  return transaction(deps.db, async tx => {
    const decided = await decideDevice(tx, device.id, session.uid, undefined)
    if (decided)
      await deps.audit.record(tx, { ...auditEvent(answer), type: 'consent_denied', outcome: 'refused' })
    return decided
  })
}

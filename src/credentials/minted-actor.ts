/** Who makes, changes or ends a credential, and how the audit and the other nodes are told. */
import type { Audit, AuditEvent, Source } from '../audit/audit.ts'
import { appendChange } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'
import { notFound, Problem } from '../http/problem.ts'
import type { Identity } from './kind.ts'
import { CREDENTIAL_CHANGE, type MintedRow, ownership } from './minted-token.ts'

export interface Actor {
  /** Of any kind, the session included; absent: the server itself, because of a policy. */
  readonly identity?: Identity
  readonly source: Source
}

/**
 * A secret in its grace gives nobody another one, be it its own successor: that would outlive its grace, and the one that
 * replaced it. It may end things.
 * @throws Problem 403
 */
export function refuseReplacedSecret({ identity }: Pick<Actor, 'identity'>): void {
  if (!identity?.warnings?.some(({ code }) => code === 'retired_secret')) return
  throw new Problem(
    403,
    'access_denied',
    'This secret was replaced: it makes and rotates nothing. Use the one that replaced it.',
  )
}

/** Somebody must have looked into it: a client does not judge its own credentials. @throws Problem 403 */
export function checkMayRelease(actor: Actor): void {
  refuseReplacedSecret(actor)
  if (actor.identity?.subject.type === 'client')
    throw new Problem(403, 'access_denied', 'Only a person lets something out of quarantine.')
}

/** What there is after it was let out of quarantine. @throws Problem 404, 409 when it was revoked, before or meanwhile */
export function checkReleased<T extends { readonly status: string }>(credential: T | undefined): T {
  if (!credential) throw notFound()
  if (credential.status === 'revoked')
    throw new Problem(409, 'conflict', 'It was revoked: it cannot be released.')
  return credential
}

/** A credential as the audit names it. */
export interface EventSubject {
  readonly kind: string
  readonly id: string
  /** Its owner's, when that is a client. */
  readonly client_id: string | null
}

/** What happened to it, as an audit event: `happened` follows the name of its kind, as in `api_key_created`. */
export function credentialEvent(
  { identity, source }: Actor,
  { kind, id, client_id: clientId }: EventSubject,
  happened: string,
  detail: Readonly<Record<string, unknown>> = {},
): AuditEvent {
  return {
    type: `${kind.replaceAll('-', '_')}_${happened}`,
    outcome: 'success',
    actor: identity ? { type: identity.subject.type, id: identity.subject.id } : { type: 'system' },
    ...(identity && { credential: { kind: identity.kind, id: identity.credentialId } }),
    subject: { type: kind, id },
    ...(clientId !== null && { clientId }),
    source,
    detail,
  }
}

type Subject = Pick<MintedRow, 'id' | 'account_id' | 'client_id'>

export const mintedEvent = (
  actor: Actor,
  row: Subject,
  happened: string,
  detail?: Readonly<Record<string, unknown>>,
): AuditEvent => credentialEvent(actor, { ...row, kind: ownership(row).kind }, happened, detail)

/** In the transaction of a change: the audit row, and the row that every node drops its copy for. */
export async function noteChange(
  tx: Tx,
  audit: Pick<Audit, 'record'>,
  actor: Actor,
  row: Subject,
  happened: string,
  detail?: Readonly<Record<string, unknown>>,
): Promise<void> {
  await appendChange(tx, CREDENTIAL_CHANGE, { id: row.id })
  await audit.record(tx, mintedEvent(actor, row, happened, detail))
}

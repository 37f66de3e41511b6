/** What everything in this room that changes something has in common: who does it, one transaction, one audit row. */
import type { Audit, AuditEvent, Source } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { Identity } from '../credentials/kind.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { type Context, sourceOf } from '../http/context.ts'
import type { Revocations } from '../revocation/revocation.ts'
import type { Keyring } from '../secrets/keyring.ts'

export interface DeveloperDeps {
  readonly config: Pick<Config, 'issuer' | 'environments'>
  readonly db: Db
  readonly keyring: Keyring
  readonly audit: Pick<Audit, 'record' | 'recordAll' | 'recordLater'>
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
  readonly revocations: Pick<Revocations, 'revoke' | 'revokeAll'>
  /** The identifier of our own API as a resource. */
  readonly ownResource: string
}

/** Who does it, through the JSON API or at a page. */
export interface Actor {
  readonly identity: Identity
  readonly source: Source
}

export const actorOf = ({ caller, ctx }: { caller: Identity; ctx: Context }): Actor => ({
  identity: caller,
  source: sourceOf(ctx),
})

/** What happened; who did it is added. */
export type Happened = Pick<AuditEvent, 'type' | 'subject' | 'clientId' | 'detail'> & {
  readonly organizationId?: string | null
}

/** Writes that something was done, in the transaction of it. */
export async function recordChange(
  tx: Tx,
  audit: Pick<Audit, 'record'>,
  actor: Actor,
  happened: Happened,
): Promise<void> {
  await audit.record(tx, eventOf(actor, happened, 'success'))
}

/** Writes that it was refused; that has no transaction. */
export function recordRefusal(audit: Pick<Audit, 'recordLater'>, actor: Actor, happened: Happened): void {
  audit.recordLater(eventOf(actor, happened, 'refused'))
}

function eventOf(
  { identity, source }: Actor,
  { organizationId, ...happened }: Happened,
  outcome: AuditEvent['outcome'],
): AuditEvent {
  return {
    ...happened,
    outcome,
    actor: identity.subject,
    credential: { kind: identity.kind, id: identity.credentialId },
    source,
    ...(organizationId && { organizationId }),
  }
}

/** All of it or nothing; afterwards this node has forgotten what was true before. */
export async function change<T>(
  { db, changeLog }: Pick<DeveloperDeps, 'db' | 'changeLog'>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const result = await transaction(db, work)
  await changeLog.catchUp()
  return result
}

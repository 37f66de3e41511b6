/** Who makes, changes or ends a minted token, and how the audit and the other nodes are told. */
import type { Audit, AuditEvent, Source } from '../audit/audit.ts'
import { appendChange } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'
import type { Identity } from './kind.ts'
import { CREDENTIAL_CHANGE, type MintedRow, ownership } from './minted-token.ts'

export interface Actor {
  /** Of any kind, the session included; absent: the server itself, because of a policy. */
  readonly identity?: Identity
  readonly source: Source
}

type Subject = Pick<MintedRow, 'id' | 'account_id' | 'client_id'>

/** What happened to the token, as an audit event: `happened` follows the name of its kind, as in `api_key_created`. */
export function mintedEvent(
  actor: Actor,
  row: Subject,
  happened: string,
  detail: Readonly<Record<string, unknown>> = {},
): AuditEvent {
  const { kind } = ownership(row)
  const { identity, source } = actor
  return {
    type: `${kind.replaceAll('-', '_')}_${happened}`,
    outcome: 'success',
    actor: identity ? { type: identity.subject.type, id: identity.subject.id } : { type: 'system' },
    ...(identity && { credential: { kind: identity.kind, id: identity.credentialId } }),
    subject: { type: kind, id: row.id },
    ...(row.client_id !== null && { clientId: row.client_id }),
    source,
    detail,
  }
}

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

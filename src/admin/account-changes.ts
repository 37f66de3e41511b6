/**
 * Shutting, opening and deleting accounts. Shutting one ends its sessions and what it has allowed, for good, and stops its
 * personal tokens for as long as it is shut; deleting ends all of them and forgets the person. The account's id stays in
 * the audit.
 */
import { type Account, findAccount, updateAccount } from '../accounts/account.ts'
import { deleteAccount, lockAccounts } from '../accounts/account-state.ts'
import type { Audit } from '../audit/audit.ts'
import { endTokensOf } from '../credentials/end-tokens-of.ts'
import { forgetTokensOf } from '../credentials/forget-tokens-of.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { type Actor, change, recordChange } from '../developer/change.ts'
import { notFound, Problem } from '../http/problem.ts'
import { forgetAccount } from '../oidc/forget-account.ts'
import { type EndMatching, EVERYWHERE } from '../revocation/end-matching.ts'
import type { Revocations } from '../revocation/revocation.ts'

export interface AccountChangesDeps {
  readonly db: Db
  readonly audit: Pick<Audit, 'record' | 'recordAll'>
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
  readonly revocations: Pick<Revocations, 'revoke' | 'revokeAll'>
  readonly endMatching: EndMatching
}

/** What an account has that does not come back when it is opened again. Personal tokens do. */
const SIGNED_IN = ['session', 'device-code', 'grant', 'access-token']

/** Longer than anything that is issued to an account lives: a grant (90 days). */
const REMEMBERED_DAYS = 91

/**
 * Shut everywhere when the promise resolves and the change log was read. A second time it ends what is left.
 * @throws Problem 404, 403 for an administrator's account unless by an administrator, 409 for one's own
 */
export async function setAccountDisabled(
  deps: AccountChangesDeps,
  actor: Actor,
  id: string,
  disabled: boolean,
): Promise<Account> {
  const reason = disabled ? 'account_disabled' : 'account_enabled'
  // Before it is opened: a request that was under way when it was shut may have left something behind.
  if (!disabled) await endSignedIn(deps, actor, await getChangeable(deps.db, actor, id), reason)
  const account = await transaction(deps.db, async tx => {
    await lockAccounts(tx, [id, actor.identity.subject.id].filter(isAccountId))
    await getChangeable(tx, actor, id)
    if (await updateAccount(tx, id, { disabled }))
      await recordChange(tx, deps.audit, actor, { type: reason, subject: { type: 'account', id } })
    return getChangeable(tx, actor, id)
  })
  if (disabled) await endSignedIn(deps, actor, account, reason)
  await deps.changeLog.catchUp()
  return account
}

/** @throws Problem as `setAccountDisabled` */
export async function removeAccount(deps: AccountChangesDeps, actor: Actor, id: string): Promise<void> {
  // Shut first, so that nothing begins while the rest ends.
  await setAccountDisabled(deps, actor, id, true)
  const expiresAt = new Date(Date.now() + REMEMBERED_DAYS * 86_400_000)
  const reason = 'account_deleted'
  await change(deps, async tx => {
    await deps.revocations.revoke(tx, { kind: 'account', id, reason, expiresAt })
    await endTokensOf(tx, deps, actor, { type: 'account', id }, reason)
    await forgetTokensOf(tx, id)
    await forgetAccount(tx, id)
    if (await deleteAccount(tx, id))
      await recordChange(tx, deps.audit, actor, { type: reason, subject: { type: 'account', id } })
  })
}

async function endSignedIn(
  { endMatching }: AccountChangesDeps,
  { identity, source }: Actor,
  { id }: Account,
  reason: string,
): Promise<void> {
  const filter = { accountId: id, kinds: SIGNED_IN }
  const by = {
    actor: identity.subject,
    credential: { kind: identity.kind, id: identity.credentialId },
    source,
  }
  let complete = false
  while (!complete) ({ complete } = await endMatching.end(filter, EVERYWHERE, { ...by, reason }))
}

/** Nobody shuts themselves out, so one administrator is left whoever shuts whom. */
async function getChangeable(db: Db | Tx, { identity }: Actor, id: string): Promise<Account> {
  const account = await findAccount(db, id)
  if (!account) throw notFound()
  const { subject } = identity
  if (subject.type === 'account' && subject.id === account.id)
    throw new Problem(409, 'conflict', 'This is your own account. Ask another administrator.')
  const by = subject.type === 'account' ? await findAccount(db, subject.id) : undefined
  if (account.admin && !(by?.admin && !by.disabled))
    throw new Problem(403, 'access_denied', 'Only an administrator changes the account of an administrator.')
  return account
}

const isAccountId = (id: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)

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
import { type Actor, change, recordChange, recordRefusal } from '../developer/change.ts'
import { notFound, Problem } from '../http/problem.ts'
import { forgetAccount } from '../oidc/forget-account.ts'
import { type EndMatching, EVERYWHERE } from '../revocation/end-matching.ts'
import type { Revocations } from '../revocation/revocation.ts'

export interface AccountChangesDeps {
  readonly db: Db
  readonly audit: Pick<Audit, 'record' | 'recordAll' | 'recordLater'>
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
 * @throws Problem 404, 403 for an administrator's account unless by an administrator, and for opening what one has shut,
 * 409 for one's own
 */
export async function setAccountDisabled(
  deps: AccountChangesDeps,
  actor: Actor,
  id: string,
  disabled: boolean,
): Promise<Account> {
  const reason = disabled ? 'account_disabled' : 'account_enabled'
  // Before it is opened: a request that was under way when it was shut may have left something behind.
  if (!disabled) await endSignedIn(deps, actor, await getOpenable(deps, deps.db, actor, id), reason)
  const account = await transaction(deps.db, async tx => {
    await lockAccounts(tx, [id, actor.identity.subject.id].filter(isAccountId))
    await (disabled ? getChangeable(tx, actor, id) : getOpenable(deps, tx, actor, id))
    const disabledBy = (await isAdministrator(tx, actor)) ? 'administrator' : 'delegate'
    if (await updateAccount(tx, id, { disabled, disabledBy }))
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
async function getChangeable(db: Db | Tx, actor: Actor, id: string): Promise<Account> {
  const account = await findAccount(db, id)
  if (!account) throw notFound()
  const { subject } = actor.identity
  if (subject.type === 'account' && subject.id === account.id)
    throw new Problem(409, 'conflict', 'This is your own account. Ask another administrator.')
  if (account.admin && !(await isAdministrator(db, actor)))
    throw new Problem(403, 'access_denied', 'Only an administrator changes the account of an administrator.')
  return account
}

/** What an administrator has shut is an administrator's to open (docs/decisions/0033-who-enables-again.md). @throws Problem 403 for others */
async function getOpenable(
  { audit }: Pick<AccountChangesDeps, 'audit'>,
  db: Db | Tx,
  actor: Actor,
  id: string,
): Promise<Account> {
  const account = await getChangeable(db, actor, id)
  if (account.disabledBy !== 'administrator' || (await isAdministrator(db, actor))) return account
  const detail = { reason: 'an administrator disabled it' }
  recordRefusal(audit, actor, {
    type: 'account_enabled',
    subject: { type: 'account', id: account.id },
    detail,
  })
  throw new Problem(
    403,
    'access_denied',
    'An administrator disabled this account. Only an administrator enables it again.',
  )
}

async function isAdministrator(db: Db | Tx, { identity: { subject } }: Actor): Promise<boolean> {
  const by = subject.type === 'account' ? await findAccount(db, subject.id) : undefined
  return by?.admin === true && !by.disabled
}

const isAccountId = (id: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)

/**
 * Writes the declarative file: everything in one transaction, create or update, never delete. Applied again it changes
 * nothing, and several nodes may apply the same file at once.
 *
 * - Clients, resources, roles and initial access tokens are described in full: a key left out means its default, lists are replaced.
 * - Accounts and memberships belong to people as well: a key left out leaves them as they are, a list that is there is
 *   replaced. A password counts at creation, later only with `reset_password: true`, which
 *   ends the account's sessions.
 * - A resource's scopes are objects of their own: one that the file no longer has stays (`kept` says which), because
 *   clients and roles may hold it.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { findAccountByUsername } from '../accounts/account.ts'
import { normalizeUsername } from '../accounts/account-fields.ts'
import { type Membership, setMembers, upsertOrganization } from '../accounts/organization.ts'
import { upsertRole } from '../accounts/role.ts'
import type { Audit } from '../audit/audit.ts'
import { upsertInitialAccessToken } from '../clients/initial-access-token.ts'
import { upsertClient } from '../clients/upsert-client.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Logger } from '../log.ts'
import { upsertResource } from '../resources/upsert-resource.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { applyAccount, BY_FILE, type PreparedPasswords, preparePasswords } from './apply-account.ts'
import type { DeclarativeFile } from './declarative-file.ts'
import { describeFileClient, describeInitialAccessToken, describeResource } from './file-objects.ts'

export interface ApplyDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly audit: Pick<Audit, 'record' | 'recordAll'>
  readonly log: Pick<Logger, 'warn'>
}

export interface Summary {
  /** What was created or changed, by name. Nothing in it: the database was as the file says. */
  readonly changed: {
    readonly organizations: readonly string[]
    readonly resources: readonly string[]
    readonly roles: readonly string[]
    readonly accounts: readonly string[]
    readonly clients: readonly string[]
    readonly initialAccessTokens: readonly string[]
  }
  /** Scopes of the file's resources that the file does not have; they were kept. */
  readonly kept: readonly { readonly resource: string; readonly scopes: readonly string[] }[]
}

const MAX_TRIES = 5

/** @throws what the database says; then nothing was changed */
export async function applyFile(deps: ApplyDeps, file: DeclarativeFile): Promise<Summary> {
  for (let attempt = 1; ; attempt++) {
    const passwords = await preparePasswords(deps.db, file.accounts)
    try {
      const summary = await transaction(deps.db, tx => write(tx, deps, file, passwords))
      for (const kept of summary.kept) deps.log.warn(kept, 'scopes that are no longer in the file were kept')
      return summary
    } catch (error) {
      if (attempt >= MAX_TRIES || !isRace(error)) throw error
      await wait(Math.random() * 100 * attempt)
    }
  }
}

/** Another node applied the same at the same time: now its work is there, and the next try finds it. */
function isRace(error: unknown): boolean {
  const { code, status } = error as { code?: unknown; status?: unknown }
  // unique_violation, serialization_failure, deadlock_detected; 409: the username was free a moment ago.
  return ['23505', '40001', '40P01'].includes(String(code)) || status === 409
}

async function write(
  tx: Tx,
  { keyring, audit }: ApplyDeps,
  file: DeclarativeFile,
  passwords: PreparedPasswords,
): Promise<Summary> {
  const changes = createChanges()
  const kept: Summary['kept'][number][] = []
  for (const { id, name } of file.organizations)
    changes.note('organization', id, await upsertOrganization(tx, { id, name }))
  for (const resource of file.resources) {
    const { changed, keptScopes } = await upsertResource(tx, describeResource(resource))
    changes.note('resource', resource.identifier, changed)
    if (keptScopes.length > 0) kept.push({ resource: resource.identifier, scopes: keptScopes })
  }
  for (const role of file.roles) changes.note('role', role.name, await upsertRole(tx, role))
  const accountIds = new Map<string, string>()
  for (const account of file.accounts) {
    const { id, changed } = await applyAccount(tx, audit, account, passwords)
    accountIds.set(account.username, id)
    changes.note('account', account.username, changed, id)
  }
  for (const { id, members } of file.organizations)
    if (members)
      changes.note('organization', id, await setMembers(tx, id, await membersOf(tx, members, accountIds)))
  for (const client of file.clients)
    changes.note('client', client.client_id, await upsertClient(tx, keyring, describeFileClient(client)))
  for (const token of file.initial_access_tokens)
    changes.note(
      'initial_access_token',
      token.name,
      await upsertInitialAccessToken(tx, keyring, describeInitialAccessToken(token)),
    )
  await changes.record(tx, audit)
  return { changed: changes.summary(), kept }
}

type Kind = 'organization' | 'resource' | 'role' | 'account' | 'client' | 'initial_access_token'

/** What was changed; every one of them gets an audit event in the same transaction. */
function createChanges() {
  const changed = new Map<string, { kind: Kind; name: string; id: string }>()
  const names = (kind: Kind) => [...changed.values()].filter(one => one.kind === kind).map(({ name }) => name)
  return {
    note(kind: Kind, name: string, isChanged: boolean, id = name) {
      if (isChanged) changed.set(`${kind} ${id}`, { kind, name, id })
    },
    record: (tx: Tx, audit: ApplyDeps['audit']) =>
      audit.recordAll(
        tx,
        [...changed.values()].map(({ kind, id }) => ({
          type: `${kind}_applied`,
          outcome: 'success',
          actor: BY_FILE,
          subject: { type: kind, id },
          ...(kind === 'client' && { clientId: id }),
          ...(kind === 'organization' && { organizationId: id }),
        })),
      ),
    summary: (): Summary['changed'] => ({
      organizations: names('organization'),
      resources: names('resource'),
      roles: names('role'),
      accounts: names('account'),
      clients: names('client'),
      initialAccessTokens: names('initial_access_token'),
    }),
  }
}

/** Members that the file does not describe have been found in the database when the file was read. */
async function membersOf(
  tx: Tx,
  members: NonNullable<DeclarativeFile['organizations'][number]['members']>,
  described: ReadonlyMap<string, string>,
): Promise<Membership[]> {
  const found: Membership[] = []
  for (const { account, role } of members) {
    const accountId =
      described.get(normalizeUsername(account)) ?? (await findAccountByUsername(tx, account))?.id
    if (accountId === undefined) throw new Error(`The account ${account} is gone since the file was read`)
    found.push({ accountId, role })
  }
  return found
}

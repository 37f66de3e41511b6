/**
 * What a new key or personal token gets at most.
 *
 * - Its scopes are scopes that its owner has now; the operator bounds its life.
 * - A key or personal token that makes another gives at most its own scopes, as far as it has them now, its environment,
 *   expiry and addresses, and the same binding. What the request leaves out is then its maker's. A personal token makes no personal tokens.
 * - An access token gives of our own API at most the scopes it has there itself.
 */
import { sql } from 'kysely'
import { findAccountStanding } from '../accounts/account-directory.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Config } from '../config.ts'
import type { Db } from '../db/connect.ts'
import { type AddressRange, isWithinRanges } from '../http/address-range.ts'
import { formatPath } from '../http/field-errors.ts'
import { type FieldError, Problem, validationFailed } from '../http/problem.ts'
import { clientScopes, scopesOfAccount } from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { findClientCredential } from './client-credential.ts'
import type { Confirmation, Identity } from './kind.ts'
import { refuseReplacedSecret } from './minted-actor.ts'
import { mistakesOf, type NewCredential, rangesOf } from './minted-input.ts'
import { findMintedToken, type MintedToken, type Owner } from './minted-token.ts'

export interface BoundsDeps {
  readonly config: Pick<
    Config,
    | 'environments'
    | 'personalAccessTokenLifetime'
    | 'personalAccessTokenMaxLifetime'
    | 'apiKeyLifetime'
    | 'apiKeyMaxLifetime'
  >
  readonly db: Db
  readonly clients: ClientDirectory
  readonly resources: ResourceDirectory
}

/** What bounds the things that the credential makes: the part of a key, a token or a client credential that counts here. */
type Parent = Pick<MintedToken, 'owner' | 'scopes' | 'env' | 'expiresAt' | 'allowedAddresses' | 'cnf'>

/** A new credential with everything decided. */
export interface BoundCredential {
  readonly env: string
  readonly scopes: Readonly<Record<string, readonly string[]>>
  readonly expiresAt: Date | null
  readonly allowedAddresses: readonly string[] | null
  readonly cnf: Confirmation | null
}

/**
 * Reads with `db`, so not inside a transaction: what is taken away a moment later counts at every verification.
 * @throws Problem 403 `access_denied`, 400 `validation_failed` with all mistakes
 */
export async function boundCredential(
  deps: BoundsDeps,
  maker: Identity | undefined,
  fields: NewCredential,
): Promise<BoundCredential> {
  refuseReplacedSecret({ ...(maker && { identity: maker }) })
  const parent = await findParent(deps.db, maker, fields.kind)
  const mistakes = mistakesOf(fields, deps.config)
  if (mistakes.length > 0) throw validationFailed(mistakes)
  const resources = await findResources(deps, Object.keys(fields.scopes))
  const env = fields.env ?? parent?.env ?? usualEnv(deps, resources)
  const now = await databaseTime(deps.db)
  const { expiresAt, mistakes: expiryMistakes } = lifeOf(deps, fields, parent, now)
  const ranges = rangesOf(fields.allowedAddresses)
  const found = [
    ...(await scopeMistakes(deps, fields, resources, parent, maker)),
    ...envMistakes(env, resources, parent),
    ...expiryMistakes,
    ...rangeMistakes(ranges, fields.allowedAddresses, parent),
    ...cnfMistakes(fields.cnf, parent),
  ]
  if (found.length > 0) throw validationFailed(found)
  return {
    env,
    scopes: Object.fromEntries(Object.entries(fields.scopes).map(([id, names]) => [id, [...new Set(names)]])),
    expiresAt,
    allowedAddresses:
      fields.allowedAddresses === undefined
        ? (parent?.allowedAddresses ?? null)
        : (ranges?.map(({ text }) => text) ?? null),
    cnf: fields.cnf ?? parent?.cnf ?? null,
  }
}

/** Whether `maker` could have made `token`: then it may also replace its secret. Itself, always. */
export async function isWithinMaker(
  deps: BoundsDeps,
  maker: Identity | undefined,
  token: Parent & { readonly id: string; readonly kind: NewCredential['kind'] },
): Promise<boolean> {
  if (maker?.credentialId === token.id) return true
  const parent = await findParent(deps.db, maker, token.kind)
  const resources = await findResources(deps, [...token.scopes.keys()])
  const ofMaker = await makerScopes(deps, resources, parent, maker)
  const scopes = [...token.scopes].every(([resource, names]) => {
    const may = ofMaker(resource)
    return !may || [...names].every(name => may.has(name))
  })
  if (!parent) return scopes
  const expiry =
    parent.expiresAt === null || (token.expiresAt !== null && token.expiresAt <= parent.expiresAt)
  const { allowedAddresses } = token
  const addresses = rangeMistakes(rangesOf(allowedAddresses), allowedAddresses, parent).length === 0
  const binding = cnfMistakes(token.cnf, parent).length === 0
  return scopes && token.env === parent.env && expiry && addresses && binding
}

/** Credentials with restrictions of their own, by kind. */
const FINDERS: Readonly<Record<string, (db: Db, id: string) => Promise<Parent | undefined>>> = {
  'api-key': findMintedToken,
  'personal-access-token': findMintedToken,
  'signing-secret': findClientCredential,
  'client-certificate': findClientCredential,
}

/** The credential that asks, when it is one with restrictions of its own. */
async function findParent(
  db: Db,
  maker: Identity | undefined,
  kind: NewCredential['kind'],
): Promise<Parent | undefined> {
  const find = maker && FINDERS[maker.kind]
  if (!find) return undefined
  if (maker.kind === 'personal-access-token' && kind === 'personal-access-token')
    throw new Problem(403, 'access_denied', 'A personal access token cannot create or rotate another one.')
  const parent = await find(db, maker.credentialId)
  if (parent) return parent
  throw new Problem(403, 'access_denied', 'The credential that asks is gone.')
}

async function findResources(
  { resources }: BoundsDeps,
  identifiers: readonly string[],
): Promise<ReadonlyMap<string, Resource | undefined>> {
  const found = new Map<string, Resource | undefined>()
  for (const identifier of identifiers) found.set(identifier, await resources.find(identifier))
  return found
}

/** The environment of its resources, or else the first one. */
function usualEnv({ config }: BoundsDeps, resources: ReadonlyMap<string, Resource | undefined>): string {
  const named = [...resources.values()].find(resource => resource?.env)
  return named?.env ?? config.environments[0] ?? 'live'
}

async function scopeMistakes(
  deps: BoundsDeps,
  { scopes, owner }: NewCredential,
  resources: ReadonlyMap<string, Resource | undefined>,
  parent: Parent | undefined,
  maker: Identity | undefined,
): Promise<FieldError[]> {
  const ofOwner = await ownerScopes(deps, owner)
  if (!ofOwner)
    return [
      { path: `${owner.type}_id`, message: `is not ${owner.type === 'client' ? 'a client' : 'an account'}` },
    ]
  const scopesOfMaker = await makerScopes(deps, resources, parent, maker)
  return Object.entries(scopes).flatMap(([identifier, names]) => {
    const resource = resources.get(identifier)
    if (!resource)
      return [{ path: formatPath(['scopes', identifier]), message: 'is not a resource of this server' }]
    const ofMaker = scopesOfMaker(identifier)
    const allowed = ofOwner(resource)
    return names.flatMap((name, index) => {
      const path = formatPath(['scopes', identifier, index])
      if (!allowed.has(name)) return [{ path, message: `is not a scope that the ${owner.type} may have now` }]
      if (ofMaker && !ofMaker.has(name))
        return [{ path, message: 'is more than the credential that asks has itself' }]
      return []
    })
  })
}

/** Undefined: there is no such owner. */
async function ownerScopes(
  { db, clients }: BoundsDeps,
  owner: Owner,
): Promise<((resource: Resource) => ReadonlySet<string>) | undefined> {
  if (owner.type === 'client') {
    const client = await clients.find(owner.id)
    return client && (resource => clientScopes(client, resource))
  }
  const account = await findAccountStanding(db, owner.id)
  return account && (resource => scopesOfAccount(account, resource))
}

/** What these may do elsewhere is not known here. */
const OF_ONE_RESOURCE = new Set(['access-token', 'client-secret'])

/** What it may give of a resource; undefined: whatever the owner has. */
async function makerScopes(
  deps: BoundsDeps,
  resources: ReadonlyMap<string, Resource | undefined>,
  parent: Parent | undefined,
  maker: Identity | undefined,
): Promise<(identifier: string) => ReadonlySet<string> | undefined> {
  if (!parent)
    return identifier => {
      if (maker && OF_ONE_RESOURCE.has(maker.kind) && maker.resource === identifier)
        return new Set(maker.scopes)
      // Of our own API nobody gives more than they have there: a client's key must not lift a developer. `verify` only
      // asks questions, and a resource server's key needs it.
      if (maker?.kind === 'session' && resources.get(identifier)?.builtIn)
        return new Set([...maker.scopes, 'verify'])
      return undefined
    }
  // What its own owner has lost it must not give to a token of another owner.
  const ofParentsOwner = await ownerScopes(deps, parent.owner)
  return identifier => {
    const resource = resources.get(identifier)
    const now = resource && ofParentsOwner?.(resource)
    return new Set([...(parent.scopes.get(identifier) ?? [])].filter(name => now?.has(name)))
  }
}

function envMistakes(
  env: string,
  resources: ReadonlyMap<string, Resource | undefined>,
  parent: Parent | undefined,
): FieldError[] {
  const path = 'env'
  if (parent && parent.env !== env)
    return [{ path, message: `must be ${parent.env}, as that of the credential that asks` }]
  return [...resources.values()].flatMap(resource =>
    resource?.env && resource.env !== env
      ? [{ path, message: `must be ${resource.env}, the environment of ${resource.identifier}` }]
      : [],
  )
}

function lifeOf(
  { config }: BoundsDeps,
  { kind, expiresAt, notBefore }: NewCredential,
  parent: Parent | undefined,
  now: Date,
): { expiresAt: Date | null; mistakes: FieldError[] } {
  const isKey = kind !== 'personal-access-token'
  const usual = isKey ? config.apiKeyLifetime : config.personalAccessTokenLifetime
  const most = isKey ? config.apiKeyMaxLifetime : config.personalAccessTokenMaxLifetime
  const begins = notBefore && notBefore > now ? notBefore : now
  const latest = earliest(after(now, most), parent?.expiresAt)
  if (expiresAt === undefined) {
    const wanted = earliest(after(begins, usual), latest)
    const tooLate = wanted !== null && wanted <= begins
    const mistake = {
      path: 'not_before',
      message: `must be before ${wanted?.toISOString()}, when it would expire`,
    }
    return { expiresAt: wanted, mistakes: tooLate ? [mistake] : [] }
  }
  const path = 'expires_at'
  if (latest !== null && (expiresAt === null || expiresAt > latest)) {
    const message = `must be ${latest.toISOString()} or earlier`
    return { expiresAt, mistakes: [{ path, message }] }
  }
  if (expiresAt !== null && expiresAt <= now)
    return { expiresAt, mistakes: [{ path, message: 'must be in the future' }] }
  return { expiresAt, mistakes: [] }
}

const after = (begin: Date, seconds: number | undefined) =>
  seconds === undefined ? null : new Date(begin.getTime() + seconds * 1000)

/** null is never. */
function earliest(...times: readonly (Date | null | undefined)[]): Date | null {
  const some = times.filter(time => time !== null && time !== undefined)
  return some.length === 0 ? null : new Date(Math.min(...some.map(time => time.getTime())))
}

function rangeMistakes(
  ranges: readonly AddressRange[] | null,
  asked: readonly string[] | null | undefined,
  parent: Parent | undefined,
): FieldError[] {
  const outer = rangesOf(parent?.allowedAddresses)
  if (!outer || asked === undefined) return []
  const message = 'must be within the addresses of the credential that asks'
  if (!ranges) return [{ path: 'allowed_addresses', message }]
  return ranges.flatMap((range, index) =>
    isWithinRanges(range, outer) ? [] : [{ path: formatPath(['allowed_addresses', index]), message }],
  )
}

function cnfMistakes(cnf: Confirmation | null | undefined, parent: Parent | undefined): FieldError[] {
  if (!parent?.cnf || cnf === undefined) return []
  const same = cnf?.jkt === parent.cnf.jkt && cnf?.['x5t#S256'] === parent.cnf['x5t#S256']
  return same ? [] : [{ path: 'cnf', message: 'must be that of the credential that asks' }]
}

export async function databaseTime(db: Db): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`SELECT clock_timestamp() AS now`.execute(db)
  return rows[0]?.now ?? new Date()
}

/**
 * Status indexes of JWT access tokens (keys/status-indexes.ts), from the side of the library's requests. A token of a grant
 * comes of a code or a refresh token; its index is taken when that is used up, so that the statement that does it
 * records the index too, and found again when the token is made. Tokens of client credentials take theirs then.
 */
import { sql } from 'kysely'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { Provider } from 'oidc-provider'
import type { TakenIndex } from '../keys/status-indexes.ts'
import { createTokenId, packStatus, type StatusClaim } from '../keys/status-reference.ts'
import type { OidcDeps } from './deps.ts'
import { findExchanged, recordSources } from './exchanged-token.ts'
import { asAnswer } from './outage.ts'

/** Seconds that a token may be taken for alive after its expiry. */
const MARGIN = 300

type StatusTable = 'authorization_code' | 'device_code' | 'refresh_token'

/** What a token of this request comes of. */
interface Source {
  readonly table: StatusTable
  readonly hashes: readonly Buffer[]
  /** What the token will be for; undefined: for /userinfo only. */
  readonly resource: string | undefined
  taken?: TakenIndex
}

const sources = new WeakMap<object, Source>()

/** Notes what was found, for the request under way: a code or a refresh token that is good. */
export function rememberSource(source: Source): void {
  if (Provider.ctx) sources.set(Provider.ctx, source)
}

/**
 * Takes the index of the token that this request is going to get; undefined when that will be no JWT. The caller records
 * it in the statement that uses up what was found: `recorded`, `withIndex`.
 */
export async function takeForGrant(
  deps: Pick<OidcDeps, 'resources' | 'takeIndex'>,
): Promise<TakenIndex | undefined> {
  const source = Provider.ctx && sources.get(Provider.ctx)
  if (source?.resource === undefined) return undefined
  const resource = await deps.resources.find(source.resource)
  if (resource?.tokenFormat !== 'jwt') return undefined
  const lifetime = resource.accessTokenLifetime
  source.taken = await deps.takeIndex({ clientId: '', grantBound: true, lifetime })
  return source.taken
}

/** The column of the row, with the index beside those of other tokens that came of it. */
export function withIndex(taken: TakenIndex | undefined) {
  return taken
    ? sql<string[] | null>`array_append(status_indexes, ${packStatus(taken)}::bigint)`
    : sql<string[] | null>`status_indexes`
}

/** The same for codes, whose rows would go before the tokens do. */
export function recorded(taken: TakenIndex | undefined) {
  if (!taken) return {}
  const until = sql`clock_timestamp() + make_interval(secs => ${taken.lifetime + MARGIN})`
  return { status_indexes: withIndex(taken), status_until: sql<Date>`greatest(status_until, ${until})` }
}

type JwtCustomizer = NonNullable<NonNullable<NonNullable<Configuration['formats']>['customizers']>['jwt']>

/** Gives a JWT access token its id and the claim `status` (draft-ietf-oauth-status-list, section 6.1). */
export function addStatus(deps: Pick<OidcDeps, 'db' | 'resources' | 'takeIndex'>): JwtCustomizer {
  const { db, takeIndex } = deps

  async function ofGrant(ctx: KoaContextWithOIDC, lifetime: number): Promise<TakenIndex> {
    const source = sources.get(ctx)
    if (!source) throw new Error('a token of a grant comes of nothing')
    const { table, hashes, taken } = source
    if (taken && taken.lifetime >= lifetime) return taken
    // The resource was changed since: a statement more.
    const another = await takeIndex({ clientId: '', grantBound: true, lifetime })
    const columns = table === 'refresh_token' ? { status_indexes: withIndex(another) } : recorded(another)
    await db.updateTable(table).set(columns).where('id_hash', 'in', hashes).execute()
    return another
  }

  return async (ctx, token, { payload }) => {
    const lifetime = Number(payload.exp) - Number(payload.iat)
    try {
      const taken =
        token.kind === 'ClientCredentials'
          ? await takeIndex({ clientId: token.clientId ?? '', grantBound: false, lifetime })
          : await ofGrant(ctx, lifetime)
      const { idx, uri } = taken
      const status: StatusClaim = { status_list: { idx, uri } }
      token.jti = createTokenId(taken)
      Object.assign(payload, { jti: token.jti, status })
      const exchanged = findExchanged(token)
      if (!exchanged) return
      await recordSources(db, taken, exchanged, lifetime)
      // Of client credentials the library makes the client the subject.
      payload.sub = exchanged.subject.id
    } catch (error) {
      throw asAnswer(error)
    }
  }
}

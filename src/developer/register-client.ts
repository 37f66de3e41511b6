/**
 * Registering a client, and changing one: by JSON and at the pages alike. The rules of what goes together are the clients
 * room's (client-rules.ts) and hold for the declarative file too; here is what a member of an organization may ask for.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Client, findClient } from '../clients/client.ts'
import { findShownClient, type ShownClient } from '../clients/client-list.ts'
import { clientMistakes, isPublic, keepsSecret } from '../clients/client-rules.ts'
import { TOKEN_EXCHANGE } from '../clients/client-schema.ts'
import { createClientSecret } from '../clients/client-secret.ts'
import { deleteClient, lockClient } from '../clients/client-state.ts'
import { type ClientWords, describeClient } from '../clients/describe-client.ts'
import { upsertClient } from '../clients/upsert-client.ts'
import { endClient } from '../credentials/end-client.ts'
import { refuseReplacedSecret } from '../credentials/minted-actor.ts'
import type { Tx } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import { type FieldError, notFound, validationFailed } from '../http/problem.ts'
import { OPENID_SCOPES } from '../oidc/access.ts'
import { introspectMistakes, scopeMistakes } from '../resources/scope-rules.ts'
import { USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'
import { SETTINGS_OF_KIND } from './application-kind.ts'
import { type Actor, change, type DeveloperDeps, recordChange } from './change.ts'
import type { ClientChanges, NewClient } from './client-input.ts'
import { wordsOf } from './client-json.ts'
import { findGrantable, type Grantable } from './grantable.ts'
import { organizationFor } from './organization-choice.ts'
import { checkReach, findReach, type Reach } from './ownership.ts'
import { refuseRising } from './rising.ts'
import { setDisabled } from './shut-client.ts'

/** RFC 7591, section 2: what a client is that says nothing of it. */
const UNSAID: Pick<ClientWords, 'application_type' | 'grant_types' | 'token_endpoint_auth_method'> = {
  application_type: 'web',
  grant_types: ['authorization_code'],
  token_endpoint_auth_method: 'client_secret_basic',
}

export interface RegisteredClient {
  readonly client: ShownClient
  /** Shown this once; undefined for a client that keeps none. */
  readonly secret: string | undefined
}

/**
 * @throws Problem 400 `validation_failed` with every mistake, 403 when the caller's role in the organization does not
 * reach; an organization the caller has no part in is a mistake like one that does not exist
 */
export async function registerClient(
  deps: DeveloperDeps,
  actor: Actor,
  { organization, application_kind: kind, ...sent }: NewClient,
): Promise<RegisteredClient> {
  refuseReplacedSecret(actor)
  return change(deps, async tx => {
    const reach = await findReach(tx, actor.identity)
    const organizationId = await organizationFor(tx, reach, organization)
    const words: ClientWords = {
      ...(kind ? SETTINGS_OF_KIND[kind] : UNSAID),
      redirect_uris: [],
      post_logout_redirect_uris: [],
      resource_scopes: {},
      introspect: [],
      require_pkce: true,
      require_consent: true,
      id_token_signed_response_alg: USUAL_SIGNING_ALG,
      ...defined(sent),
      client_id: newId(),
      organization: organizationId,
    }
    const grantable = await findGrantable(tx, deps, { actor, reach, organizationId })
    refuseMistakes(words, grantable, reach)
    const client = describeClient(words)
    await upsertClient(tx, deps.keyring, client)
    const { clientId } = client
    const made = keepsSecret({ ...words })
      ? await createClientSecret(tx, deps.keyring, { clientId })
      : undefined
    await recordChange(tx, deps.audit, actor, {
      type: 'client_registered',
      subject: { type: 'client', id: clientId },
      clientId,
      organizationId,
    })
    return { client: await getShownClient(tx, clientId), secret: made?.secret }
  })
}

/**
 * Keys that are left out stay as they are.
 * @throws Problem 404, 403, 400 `validation_failed`
 */
export async function changeClient(
  deps: DeveloperDeps,
  actor: Actor,
  clientId: string,
  { disabled, ...changes }: ClientChanges,
): Promise<ShownClient> {
  return change(deps, async tx => {
    await lockClient(tx, clientId)
    const { reach, client } = await getOwnClient(tx, actor, clientId)
    const words = merged(wordsOf(client), changes)
    const { organizationId } = client
    refuseMistakes(
      words,
      await findGrantable(tx, deps, { actor, reach, organizationId, present: client }),
      reach,
      client,
    )
    if (provesItselfOtherwise(client, words)) {
      refuseReplacedSecret(actor)
      refuseRising({ actor, reach, client, ownResource: deps.ownResource })
    }
    const { registration } = client
    const changed = await upsertClient(tx, deps.keyring, { ...describeClient(words), registration })
    const about = { subject: { type: 'client', id: clientId }, clientId, organizationId }
    if (changed) {
      const detail = { changed: Object.keys(defined(changes)) }
      await recordChange(tx, deps.audit, actor, { type: 'client_changed', ...about, detail })
    }
    if (disabled !== undefined) await setDisabled(tx, deps, actor, { client, reach }, disabled)
    return getShownClient(tx, clientId)
  })
}

/** The client is gone, and everything that was issued to it with it. @throws Problem 404, 403 */
export async function removeClient(deps: DeveloperDeps, actor: Actor, clientId: string): Promise<void> {
  await change(deps, async tx => {
    await lockClient(tx, clientId)
    const { client } = await getOwnClient(tx, actor, clientId)
    await endClient(tx, deps, actor, clientId)
    await deleteClient(tx, clientId)
    await recordChange(tx, deps.audit, actor, {
      type: 'client_deleted',
      subject: { type: 'client', id: clientId },
      clientId,
      organizationId: client.organizationId,
      detail: { client_name: client.clientName },
    })
  })
}

/** A client that the caller may change. @throws Problem 404, 403 */
export async function getOwnClient(
  tx: Tx,
  { identity }: Actor,
  clientId: string,
): Promise<{ reach: Reach; client: Client }> {
  const reach = await findReach(tx, identity)
  const client = await findClient(tx, clientId)
  checkReach(reach, client?.organizationId, 'developer')
  if (!client) throw notFound()
  return { reach, client }
}

async function getShownClient(tx: Tx, clientId: string): Promise<ShownClient> {
  const client = await findShownClient(tx, clientId)
  if (!client) throw notFound()
  return client
}

function refuseMistakes(words: ClientWords, grantable: Grantable, reach: Reach, before?: Client): void {
  const mistakes: FieldError[] = [
    ...clientMistakes({ ...words }, [], OPENID_SCOPES),
    ...(words.grant_types.length === 0 ? [{ path: 'grant_types', message: 'needs at least one' }] : []),
    ...scopeMistakes(words.resource_scopes, ['resource_scopes'], grantable.scopes),
    ...introspectMistakes(words.introspect, ['introspect'], grantable.introspect),
    ...(reach.everywhere ? [] : laxMistakes(words, before)),
    ...(before ? [...publicityMistakes(words, before), ...exchangeMistakes(words, before)] : []),
  ]
  if (mistakes.length > 0) throw validationFailed(mistakes)
}

/** What weakens a client is an administrator's to allow; where one has, it may stay. */
function laxMistakes(words: ClientWords, before: Client | undefined): FieldError[] {
  const only = 'can be switched off by an administrator only'
  return [
    ...(words.require_pkce || before?.requirePkce === false ? [] : [{ path: 'require_pkce', message: only }]),
    ...(words.require_consent || before?.requireConsent === false
      ? []
      : [{ path: 'require_consent', message: only }]),
  ]
}

/** What is public is built without a secret, and copies of it are everywhere: one kind does not become the other. */
function publicityMistakes(words: ClientWords, { tokenEndpointAuthMethod }: Client): FieldError[] {
  const wasPublic = isPublic({ token_endpoint_auth_method: tokenEndpointAuthMethod })
  if (isPublic({ ...words }) === wasPublic) return []
  const message = wasPublic
    ? 'must stay none: register another client for an application that authenticates'
    : 'cannot become none: register another client for an application that keeps no secret'
  return [{ path: 'token_endpoint_auth_method', message }]
}

/** Whose tokens it would exchange, and who it is, nobody here knows. */
function exchangeMistakes({ grant_types: types }: ClientWords, { registration }: Client): FieldError[] {
  const at = registration === 'operator' ? -1 : types.indexOf(TOKEN_EXCHANGE)
  return at < 0 ? [] : [{ path: `grant_types[${at}]`, message: 'is not for a client that registered itself' }]
}

function provesItselfOtherwise(client: Client, words: ClientWords): boolean {
  const proof = (said: ClientWords) => {
    const { tokenEndpointAuthMethod, jwks, jwksUri, tlsClientAuth } = describeClient(said)
    return [tokenEndpointAuthMethod, jwks, jwksUri, tlsClientAuth]
  }
  return !isDeepStrictEqual(proof(wordsOf(client)), proof(words))
}

/** What was not sent must not take a default's place. */
function defined<T extends object>(sent: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined)) as never
}

/** null takes a value away; only keys that a client can be without take one. */
function merged(words: ClientWords, changes: Omit<ClientChanges, 'disabled'>): ClientWords {
  const values = Object.entries(defined(changes)).map(([key, value]) => [key, value ?? undefined])
  return { ...words, ...Object.fromEntries(values) }
}

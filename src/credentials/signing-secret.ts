/**
 * Signed requests: a client shows that it has a key without sending it, and nothing of the request can be exchanged.
 * - On the wire: `Signature-Input` and `Signature` (RFC 9421, strict profile: signature-profile.ts), or the simple profile's
 *   `X-API-Key`, `X-Timestamp`, `X-Nonce` and `X-Signature` (simple-signature.ts). docs/signed-requests.md is for users.
 * - Stored: a secret, sealed, or an Ed25519 public key (signing-material.ts); and the SHA-256 of every signature that was
 *   taken, until it would be too old anyway (replay.ts).
 * - Ended by: its revocation, its expiry, quarantine, its client being disabled, the last of its scopes being taken away.
 *   A rotation ends the key and keeps the id.
 *
 * The signature is spent when everything was found good, so that what was refused may be sent again.
 */
import { createHash } from 'node:crypto'
import type { RequestView } from '../http/request-view.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { type Checks, createChecks } from './checks.ts'
import type { FoundClientCredential } from './client-credential-directory.ts'
import type { CredentialKind, Identity, Wanted } from './kind.ts'
import { isMistaken } from './message-signature.ts'
import { from } from './presented-key.ts'
import type { Refusals } from './refusals.ts'
import type { ReplayMemory } from './replay.ts'
import { findShownSignature, type ShownSignature } from './shown-signature.ts'
import { takenUntil } from './signature-profile.ts'
import { findNoSigner, findSigner, type MatchedKey, signingMaterial } from './signing-material.ts'
import { SIGNING_SECRET } from './signing-secrets.ts'
import type { SigningUses } from './signing-uses.ts'
import type { ClientCredentialKindDeps } from './verify-client-credential.ts'

export interface SigningSecretKindDeps
  extends Pick<ClientCredentialKindDeps, 'clientCredentials' | 'verifyClientCredential'> {
  readonly keyring: Keyring
  readonly replays: ReplayMemory
  readonly signingUses: SigningUses
  /** In lower case. */
  readonly apiKeyHeader: string | undefined
  readonly refusals: Refusals
}

/** The database's clock decides what is forgotten; the one that judges the age may be behind it by so much. */
const CLOCK_SLACK_SECONDS = 60

interface Signed extends FoundClientCredential {
  readonly matched: MatchedKey
}

export function signingSecret(deps: SigningSecretKindDeps): CredentialKind {
  const { clientCredentials, verifyClientCredential, keyring, replays, signingUses, refusals } = deps

  function stopper(checks: Checks) {
    return (reason: string): never => {
      checks.settle()
      throw refusals.invalidCredential(reason)
    }
  }

  /** Whose signature it is. Unknown and wrong look the same outside and take the same time. */
  async function recognize(
    { keyId, algorithm, signature, created }: ShownSignature,
    text: string,
    wanted: Wanted,
    checks: Checks,
  ): Promise<Signed> {
    const stop = stopper(checks)
    const found = await clientCredentials.find(SIGNING_SECRET, keyId)
    const material = found && signingMaterial(found.record.row)
    const isItsAlgorithm = material !== undefined && (algorithm ?? material.algorithm) === material.algorithm
    const need = (name: string, passed: boolean, reason: string, detail: string) =>
      checks.need(
        name,
        passed,
        () => detail,
        () => refusals.invalidCredential(reason),
      )
    if (!isItsAlgorithm) findNoSigner(text, signature)
    need('known', found !== undefined, 'unknown', found ? `its id is ${keyId}` : 'there is none with this id')
    if (!found || !material) return stop('unknown')

    const matched = isItsAlgorithm ? await findSigner(keyring, material, text, signature) : undefined
    const { row } = found.record
    const retired = matched?.which === 'retired' ? matched.retired : undefined
    const end = retired && new Date(retired.until)
    const isOver = end !== undefined && end <= found.now
    if (!wanted.explain && (!matched || isOver)) signingUses.refused(row)
    // What was signed before the end may be an old request that somebody sends again.
    const isLate =
      isOver &&
      takenUntil({ created, expires: undefined }, secondsOf(found.now)) !== undefined &&
      created > secondsOf(end)
    if (!wanted.explain && retired && isLate) await signingUses.retiredUsed(row, retired, wanted)
    need(
      'signature',
      matched !== undefined && !isOver,
      isOver ? 'replaced key' : 'wrong signature',
      retired
        ? `its key was replaced and ${isOver ? 'worked' : 'works'} until ${retired.until}`
        : matched
          ? 'it is right'
          : isItsAlgorithm
            ? 'it is not that of this request, or not made with a key of this id'
            : `the key is for ${material.algorithm}`,
    )
    if (!matched || isOver) return stop('wrong signature')
    return { ...found, matched }
  }

  /** @throws Problem 401 when it was seen before, 503 when it cannot be remembered */
  async function spend(id: string, signature: Buffer, until: number, { explain }: Wanted, checks: Checks) {
    const digest = createHash('sha256').update(`signature ${id} `).update(signature).digest()
    const isFirst = explain
      ? !(await replays.isRemembered(digest))
      : await replays.rememberUntil(digest, new Date(until * 1000))
    checks.need(
      'replay',
      isFirst,
      () => (isFirst ? 'it has not been used' : 'it was used before: every request needs one of its own'),
      () => refusals.invalidCredential('signature used before'),
    )
  }

  async function verify(shown: ShownSignature, request: RequestView, wanted: Wanted): Promise<Identity> {
    const checks = createChecks(wanted.explain)
    const message = await shown.message(request)
    if (isMistaken(message)) {
      const { mistake } = message
      checks.need(
        'body',
        false,
        () => mistake,
        () => refusals.invalidCredential(mistake),
      )
      return stopper(checks)(mistake)
    }
    const found = await recognize(shown, message.text, wanted, checks)
    const { row } = found.record
    const now = secondsOf(found.now)
    const until = takenUntil(shown, now)
    const refused = (reason: string) => () => {
      if (!wanted.explain) signingUses.refused(row)
      return refusals.invalidCredential(reason)
    }
    checks.need(
      'age',
      until !== undefined,
      () => `it was signed ${Math.round(now - shown.created)} s ago`,
      refused('signed too long ago, or in the future'),
    )
    const body = await message.body()
    const mistake = isMistaken(body) ? body.mistake : undefined
    checks.need(
      'body',
      mistake === undefined,
      () => mistake ?? 'it is the one that was signed, or its digest is handed on',
      refused(mistake ?? ''),
    )
    const { matched } = found
    const identity = await verifyClientCredential(
      found,
      wanted,
      {
        spend: () => spend(row.id, shown.signature, (until ?? now) + CLOCK_SLACK_SECONDS, wanted, checks),
        ...(matched.which === 'retired' && {
          warnings: [{ code: 'retired_secret', at: new Date(matched.retired.until) }],
        }),
      },
      checks,
    )
    if (!wanted.explain) await signingUses.succeeded(row, matched, identity, wanted)
    return isMistaken(body) ? identity : { ...identity, ...body }
  }

  return {
    name: SIGNING_SECRET,
    place: 'explicit',

    claim(request) {
      const shown = findShownSignature(request, deps.apiKeyHeader)
      if (!shown) return undefined
      if (isMistaken(shown)) throw refusals.invalidCredential(shown.mistake)
      return wanted => verify(shown, request, from(request, wanted))
    },
  }
}

const secondsOf = (time: Date) => time.getTime() / 1000

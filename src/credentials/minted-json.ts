/** API keys and personal access tokens on the wire (docs/api.md): one shape but for whose they are. */
import { z } from 'zod'
import { timeIn, timeOut } from '../http/time-schema.ts'
import type { NewMintedToken } from './minted-input.ts'
import type { Rotation } from './minted-rotation.ts'
import type { MintedToken } from './minted-token.ts'

const scopes = z.record(z.string(), z.array(z.string())).describe('Scope names by resource identifier')
const rateLimit = z.strictObject({ requests: z.int(), seconds: z.int() })
const cnf = z
  .strictObject({ jkt: z.string().optional(), 'x5t#S256': z.string().optional() })
  .describe('RFC 7800: the key that must be shown beside it')

/** What both are made from. The rules beyond types are minted-input.ts's. */
export const mintedKeys = {
  name: z.string(),
  description: z.string().nullable().optional(),
  env: z.string().optional(),
  scopes,
  not_before: timeIn.nullable().optional(),
  expires_at: timeIn.nullable().optional().describe('Left out: what the operator usually gives; null: never'),
  allowed_addresses: z.array(z.string()).nullable().optional().describe('Addresses and CIDR ranges'),
  rate_limit: rateLimit.nullable().optional(),
  cnf: cnf.nullable().optional(),
}

const input = z.strictObject(mintedKeys)

export function fieldsOf(body: z.output<typeof input>): Omit<NewMintedToken, 'kind' | 'owner'> {
  const { jkt, 'x5t#S256': thumbprint } = body.cnf ?? {}
  return {
    name: body.name,
    description: body.description,
    env: body.env,
    scopes: body.scopes,
    notBefore: body.not_before,
    expiresAt: body.expires_at,
    allowedAddresses: body.allowed_addresses,
    rateLimit: body.rate_limit,
    cnf: body.cnf && {
      ...(jkt !== undefined && { jkt }),
      ...(thumbprint !== undefined && { 'x5t#S256': thumbprint }),
    },
  }
}

/** A rotation says at most once when the old secret ends. */
export function refuseTwoEnds(
  body: { grace_seconds?: unknown; retire_at?: unknown; immediately?: boolean | undefined },
  ctx: z.core.$RefinementCtx<unknown>,
): void {
  const said = [
    ...(body.grace_seconds === undefined ? [] : ['grace_seconds']),
    ...(body.retire_at === undefined ? [] : ['retire_at']),
    ...(body.immediately ? ['immediately'] : []),
  ]
  for (const path of said.slice(1))
    ctx.addIssue({ code: 'custom', path: [path], message: `cannot be sent together with ${said[0]}` })
}

export const rotationKeys = {
  grace_seconds: z
    .int()
    .min(0)
    .optional()
    .describe('After the first use of the new secret; 86400 unless said'),
  retire_at: timeIn.optional().describe('The old secret ends then, whether the new one was used or not'),
  immediately: z.boolean().default(false),
}

export const rotationBody = z.strictObject(rotationKeys).superRefine(refuseTwoEnds).meta({ id: 'Rotation' })

/** It says nothing; what it nevertheless says is a mistake. */
export const releaseBody = z.strictObject({}).meta({ id: 'Release' })

export function rotationOf(body: z.output<typeof rotationBody>): Rotation {
  return {
    ...(body.grace_seconds !== undefined && { graceSeconds: body.grace_seconds }),
    ...(body.retire_at !== undefined && { retireAt: body.retire_at }),
    ...(body.immediately && { immediately: true }),
  }
}

/** What both are, as answered; with `client_id` or `account_id` beside it. */
export const mintedObjectKeys = {
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  env: z.string(),
  status: z.enum(['active', 'quarantined', 'revoked']),
  last4: z.string(),
  scopes,
  not_before: timeOut.nullable(),
  expires_at: timeOut.nullable(),
  allowed_addresses: z.array(z.string()).nullable(),
  rate_limit: rateLimit.nullable(),
  cnf: cnf.nullable(),
  created_at: timeOut,
  last_used: z
    .strictObject({ at: timeOut, address: z.string().nullable(), user_agent: z.string().nullable() })
    .nullable(),
  secret: z.string().optional().describe('In the answer that made it, and never again'),
}

const output = z.strictObject(mintedObjectKeys)

/** What keys, personal tokens and client credentials say of themselves in common. */
export function restrictedJson(
  credential: Omit<MintedToken, 'kind' | 'prefix' | 'last4' | 'cnf' | 'pendingSince' | 'retiring' | 'leak'>,
) {
  const { lastUsed } = credential
  return {
    id: credential.id,
    name: credential.name,
    description: credential.description,
    env: credential.env,
    status: credential.status,
    scopes: Object.fromEntries([...credential.scopes].map(([resource, names]) => [resource, [...names]])),
    not_before: credential.notBefore?.toISOString() ?? null,
    expires_at: credential.expiresAt?.toISOString() ?? null,
    allowed_addresses: credential.allowedAddresses && [...credential.allowedAddresses],
    rate_limit: credential.rateLimit && { ...credential.rateLimit },
    created_at: credential.createdAt.toISOString(),
    last_used: lastUsed && {
      at: lastUsed.at.toISOString(),
      address: lastUsed.address,
      user_agent: lastUsed.userAgent,
    },
  }
}

export function mintedJson(token: MintedToken, secret?: string): z.input<typeof output> {
  return {
    ...restrictedJson(token),
    last4: token.last4,
    cnf: token.cnf && { ...token.cnf },
    ...(secret !== undefined && { secret }),
  }
}

/** How many secrets a rotation has ended when it answers: for `?wait=all`. */
export const endedByRotation = (_made: unknown, sent: { readonly immediately?: boolean | undefined }) =>
  sent.immediately ? 1 : undefined

/** The body and the answers of POST /v1/verify. */
import { z } from 'zod'
import { readContentDigest } from '../credentials/content-digest.ts'
import { identityAnswer } from '../credentials/identity-json.ts'

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Whatever Node lets into a header: no line ends, no controls. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const header = z.tuple([
  z.string().max(200).regex(TOKEN, 'must be the name of a header'),
  z.string().max(32_768).regex(VALUE, 'must be the value of a header'),
])

const describedRequest = z.strictObject({
  method: z.string().max(40).regex(TOKEN, 'must be a method'),
  url: z
    .string()
    .max(16_384)
    .regex(/^(?:https?:\/\/[^/?#\s]+|(?=\/))[^\s#]*$/i, 'must be a URL, or a path with its query'),
  headers: z.array(header).max(200),
  content_digest: z
    .string()
    .max(1_000)
    .refine(text => readContentDigest(text) !== undefined, 'must be a Content-Digest with sha-256 or sha-512')
    .optional()
    .describe('Of the body as you have it (RFC 9530): a signed request is then compared with it'),
  client_address: z.union([z.ipv4(), z.ipv6()]).optional(),
  client_certificate: z.string().max(32_768).optional(),
})

export const verifyBody = z
  .strictObject({
    credential: z.string().max(32_768).optional(),
    request: describedRequest.optional(),
    resource: z.string().min(1).max(2_048),
    scopes: z.array(z.string().min(1).max(200)).max(100).default([]),
    env: z.string().min(1).max(64).optional(),
    explain: z.boolean().default(false),
  })
  .superRefine(({ credential, request }, context) => {
    if (credential === undefined && request === undefined)
      context.addIssue({ code: 'custom', path: ['credential'], message: 'is missing: send it, or a request' })
    if (credential !== undefined && request !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['request'],
        message: 'is one too many: send it or a credential',
      })
  })

export type VerifyBody = z.output<typeof verifyBody>

const checks = z
  .array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string() }))
  .optional()
  .describe('With `explain`.')

const headers = z.array(z.tuple([z.string(), z.string()]))

const response = z
  .object({
    status: z.number().int(),
    headers,
    body: z.looseObject({}).describe('application/problem+json'),
  })
  .describe('The answer to relay.')

export const verifyAnswer = z.discriminatedUnion('allowed', [
  z.object({
    allowed: z.literal(true),
    identity: identityAnswer,
    headers: headers
      .optional()
      .describe('For your own answer: what its holder should know. Left out if nothing.'),
    checks,
  }),
  z.object({ allowed: z.literal(false), response, checks }),
])

export type VerifyAnswer = z.input<typeof verifyAnswer>

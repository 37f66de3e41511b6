/** What the adapters for Koa, Express and Fastify share: they differ in how an answer is written, and in nothing else. */
import type { Identity } from './identity.ts'
import type { NodeRequest } from './presented-request.ts'
import { nodeRequest } from './presented-request.ts'
import { type AnswerHeader, Refusal } from './refusal.ts'
import type { Verifier, Wanted } from './verifier.ts'

/** What a route requires. `certificate` finds the client's, in PEM, where there may be one. */
export interface Required<R extends NodeRequest = NodeRequest> {
  readonly scopes?: readonly string[]
  readonly env?: string
  readonly certificate?: (request: R) => string | undefined
  /** The body as it came, where it has been read already: compared with a digest that was signed. */
  readonly body?: (request: R) => Uint8Array | undefined
}

export interface Arrived<R extends NodeRequest> {
  readonly request: R
  /** When a router has cut its part off `url`. */
  readonly target: string | undefined
  /** As the framework knows it: it has been told which proxies to trust. */
  readonly address: string | undefined
}

const identities = new WeakMap<object, Identity>()

/**
 * Lets it in and remembers who it is.
 * @returns a refusal to be written as the answer; else the headers for the route's own answer
 */
export async function letIn<R extends NodeRequest>(
  verifier: Verifier,
  { request, target, address }: Arrived<R>,
  { scopes, env, certificate, body: bodyOf }: Required<R>,
): Promise<Refusal | readonly AnswerHeader[]> {
  const pem = certificate?.(request)
  const body = bodyOf?.(request)
  // A scope zone (`fe80::1%eth0`) is this machine's own name for one of its networks.
  const [from = ''] = (address ?? '').split('%')
  const wanted: Wanted = {
    ...(scopes && { scopes }),
    ...(env !== undefined && { env }),
    ...(from !== '' && { address: from }),
    ...(pem !== undefined && { certificate: pem }),
    ...(body && { body }),
  }
  try {
    const identity = await verifier.verify(nodeRequest(request, target), wanted)
    identities.set(request, identity)
    return identity.answerHeaders
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

/** @throws Error on a route that nothing was required of */
export function identityOfRequest(request: NodeRequest): Identity {
  const identity = identities.get(request)
  if (!identity) throw new Error('Nobody was asked for here: put requires() before this.')
  return identity
}

/** By name, as Node writes them: a challenge may be there twice. */
export function headersByName(headers: readonly AnswerHeader[]): Record<string, string | string[]> {
  const byName: Record<string, string | string[]> = {}
  for (const [name, value] of headers) {
    const before = byName[name]
    byName[name] = before === undefined ? value : [before, value].flat()
  }
  return byName
}

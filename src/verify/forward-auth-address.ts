/**
 * The address of forward-auth: which proxy asks, and what the operator has written into its configuration: the resource,
 * scopes, the environment. Most proxies have that in the query. Envoy puts the original path and query behind its prefix,
 * so the query is the client's; there it stands in the segment of the dialect, where a client's path cannot reach:
 * `/v1/forward-auth/envoy;resource=…;scope=…`.
 */
import { notFound, validationFailed } from '../http/problem.ts'
import { parseUrlencoded } from '../http/urlencoded.ts'
import { type DialectName, isDialect } from './forwarded-request.ts'

export const FORWARD_AUTH_PATH = '/v1/forward-auth/'

/** As the operator has set it up. */
export interface ForwardAuthSetup {
  readonly resource?: string
  /** All of them are needed. */
  readonly scopes: readonly string[]
  readonly env?: string
}

export interface ForwardAuthAddress {
  readonly dialect: DialectName
  /** Throws when it is asked for, so that whoever asks knows in which words to refuse. @throws Problem 400 */
  setup(): ForwardAuthSetup
  /** The target of the original request, in the dialect that has it here; '' in others. */
  readonly rest: string
}

const ADDRESS = /^([a-z]+)((?:;[^/?]*)?)([^?]*)((?:\?.*)?)$/

/**
 * @param target path and query as they were sent
 * @throws Problem 404 for no dialect
 */
export function readForwardAuthAddress(target: string): ForwardAuthAddress {
  const [, name = '', parameters = '', path = '', query = ''] =
    ADDRESS.exec(target.slice(FORWARD_AUTH_PATH.length)) ?? []
  if (!isDialect(name)) throw notFound()
  if (name === 'envoy') {
    if (path !== '' && !path.startsWith('/')) throw notFound()
    const setup = () => setupFrom(parameters.slice(1).replaceAll(';', '&'))
    return { dialect: name, setup, rest: `${path || '/'}${query}` }
  }
  if (path !== '' || parameters !== '') throw notFound()
  return { dialect: name, setup: () => setupFrom(query.slice(1)), rest: '' }
}

const KNOWN = ['resource', 'scope', 'env']

/** RFC 6749, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

function setupFrom(text: string): ForwardAuthSetup {
  const given = parseUrlencoded(text, 'query')
  const mistakes = [...new Set(given.keys())].flatMap(path => {
    if (!KNOWN.includes(path)) return [{ path, message: 'is not a known parameter: remove it' }]
    return given.getAll(path).length > 1 ? [{ path, message: 'is there twice: keep one' }] : []
  })
  const scopes = (given.get('scope') ?? '').split(' ').filter(scope => scope !== '')
  if (!scopes.every(scope => SCOPE.test(scope)))
    mistakes.push({ path: 'scope', message: 'must be scopes, separated by spaces' })
  if (mistakes.length > 0) throw validationFailed(mistakes)
  const resource = given.get('resource')
  const env = given.get('env')
  return {
    scopes,
    ...(resource !== null && { resource }),
    ...(env !== null && { env }),
  }
}

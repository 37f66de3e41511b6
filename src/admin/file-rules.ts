/**
 * What the schema cannot say: things that are there twice, things that do not exist, and keys that do not go together.
 * The rules read the file as it was written, so that a mistake in one place hides none in another.
 */
import { normalizeUsername } from '../accounts/account-fields.ts'
import { formatPath, type Path, repeatedTexts } from '../http/field-errors.ts'
import { type Item, placedTextsOf, recordOf, textOf, textsOf } from '../http/unknown-value.ts'
import { otherSpelling } from '../resources/resource-address.ts'
import { layerMistakes } from '../resources/resource-layers.ts'
import { introspectMistakes, scopeMistakes, unknownName } from '../resources/scope-rules.ts'
import { passwordMistake } from '../sign-in/password-rules.ts'
import { fileClientMistakes } from './file-client-rules.ts'
import type { Mistake } from './file-mistakes.ts'
import { itemsOf, type Section } from './file-view.ts'
import type { KnownObjects } from './known-objects.ts'

/** @param known with what the file describes itself */
export function ruleMistakes(file: unknown, known: KnownObjects): Mistake[] {
  const each = (section: Section, rule: (item: Item, at: Path, known: KnownObjects) => Mistake[]) =>
    itemsOf(file, section).flatMap(({ item, index }) => rule(item, [section, index], known))
  return [
    ...repeated(file, 'organizations', 'id'),
    ...each('organizations', memberMistakes),
    ...repeated(file, 'resources', 'identifier'),
    ...each('resources', organizationMistakes),
    ...each('resources', builtInMistakes),
    ...each('resources', spellingMistakes),
    ...each('resources', layerRuleMistakes),
    ...repeated(file, 'roles', 'name'),
    ...each('roles', (item, at) => scopeMistakes(item.scopes, [...at, 'scopes'], known.resources)),
    ...repeated(file, 'accounts', 'username', normalizeUsername),
    ...each('accounts', accountMistakes),
    ...repeated(file, 'clients', 'client_id'),
    ...each('clients', organizationMistakes),
    ...each('clients', (item, at) =>
      scopeMistakes(item.resource_scopes, [...at, 'resource_scopes'], known.resources),
    ),
    ...each('clients', (item, at) =>
      introspectMistakes(item.introspect, [...at, 'introspect'], known.resources),
    ),
    ...each('clients', fileClientMistakes),
    ...repeated(file, 'initial_access_tokens', 'name'),
    ...repeated(file, 'initial_access_tokens', 'token'),
    ...each('initial_access_tokens', (item, at) =>
      scopeMistakes(item.resource_scopes, [...at, 'resource_scopes'], known.resources),
    ),
  ]
}

const mistake = (at: Path, message: string): Mistake => ({ path: formatPath(at), message })

/** Two items of a section with the same name. */
function repeated(file: unknown, section: Section, key: string, same = (name: string) => name): Mistake[] {
  const first = new Map<string, number>()
  return itemsOf(file, section).flatMap(({ item, index }) => {
    const name = textOf(item[key])
    if (name === undefined) return []
    const before = first.get(same(name))
    if (before === undefined) first.set(same(name), index)
    return before === undefined
      ? []
      : [mistake([section, index, key], `is the same as ${section}[${before}].${key}`)]
  })
}

function organizationMistakes({ organization }: Item, at: Path, known: KnownObjects): Mistake[] {
  const id = textOf(organization)
  if (id === undefined || known.organizations.has(id)) return []
  return [mistake([...at, 'organization'], unknownName('organization', id, known.organizations))]
}

function builtInMistakes({ identifier }: Item, at: Path, known: KnownObjects): Mistake[] {
  const id = textOf(identifier)
  if (id === undefined || !known.builtIn.has(id)) return []
  return [mistake([...at, 'identifier'], 'is built in: clients and roles may name it, nothing describes it')]
}

function spellingMistakes({ identifier }: Item, at: Path, known: KnownObjects): Mistake[] {
  const other = otherSpelling(textOf(identifier) ?? '')
  if (other === undefined || !known.resources.has(other)) return []
  return [mistake([...at, 'identifier'], `is the address of another resource, ${other}: keep one of the two`)]
}

function layerRuleMistakes(resource: Item, at: Path): Mistake[] {
  const { layers, allowed_addresses: addresses, token_format } = resource
  const mistakes = layerMistakes({
    layers: textsOf(layers),
    allowed_addresses: Array.isArray(addresses) ? textsOf(addresses) : undefined,
    token_format: textOf(token_format),
  })
  return [
    ...mistakes.map(({ key, message }) => mistake([...at, ...key], message)),
    ...repeatedTexts(layers, [...at, 'layers']),
    ...repeatedTexts(addresses, [...at, 'allowed_addresses']),
  ]
}

function memberMistakes({ members }: Item, at: Path, known: KnownObjects): Mistake[] {
  if (!Array.isArray(members)) return []
  const seen = new Set<string>()
  return members.flatMap((member, index) => {
    const username = textOf(recordOf(member)?.account)
    if (username === undefined) return []
    const account = normalizeUsername(username)
    const path = [...at, 'members', index, 'account']
    if (!known.accounts.has(account)) return [mistake(path, unknownName('account', username, known.accounts))]
    if (seen.has(account)) return [mistake(path, 'is a member twice: keep one')]
    seen.add(account)
    return []
  })
}

function accountMistakes(account: Item, at: Path, known: KnownObjects): Mistake[] {
  const found: Mistake[] = []
  const password = textOf(account.password)
  const username = textOf(account.username)
  if (password !== undefined) {
    const sentence = passwordMistake(password, { username, email: textOf(account.email) })
    if (sentence) found.push(mistake([...at, 'password'], `is not acceptable: ${sentence}`))
    if (account.password_hash !== undefined)
      found.push(mistake([...at, 'password_hash'], 'cannot be given together with password: keep one'))
  }
  if (account.reset_password === true && password === undefined && account.password_hash === undefined)
    found.push(mistake([...at, 'reset_password'], 'needs a password or a password_hash'))
  if (account.email_verified === true && account.email === undefined)
    found.push(mistake([...at, 'email_verified'], 'needs an email'))
  const roles = placedTextsOf(account.roles).filter(({ text }) => !known.roles.has(text))
  for (const { index, text } of roles)
    found.push(mistake([...at, 'roles', index], unknownName('role', text, known.roles)))
  return [...found, ...repeatedTexts(account.roles, [...at, 'roles'])]
}

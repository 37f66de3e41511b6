/** The sections of the declarative file, before anything is known about their shape. */
import { type Item, recordOf } from '../http/unknown-value.ts'

export type Section =
  | 'organizations'
  | 'resources'
  | 'roles'
  | 'accounts'
  | 'clients'
  | 'initial_access_tokens'

/** The objects of a section, with their places in it. */
export function itemsOf(file: unknown, section: Section): { index: number; item: Item }[] {
  const items = recordOf(file)?.[section]
  if (!Array.isArray(items)) return []
  return items.flatMap((value, index) => {
    const item = recordOf(value)
    return item ? [{ index, item }] : []
  })
}

/**
 * Dictionaries in header fields (RFC 9651, section 3.2), read strictly: only the one spelling that a sender writes by the
 * rules (section 4.1) counts. Then nothing can be in a field that two readers take differently, such as a key that is there
 * twice, where each of them may believe another one.
 */
import {
  type BareItem,
  type InnerList,
  type Item,
  parseDictionary,
  serializeDictionary,
} from 'structured-headers'

export type { BareItem, InnerList, Item }
export type Member = Item | InnerList
export type Dictionary = ReadonlyMap<string, Member>

/** @returns undefined for what is malformed, empty or spelled in another way */
export function readDictionary(field: string): Dictionary | undefined {
  try {
    const dictionary = parseDictionary(field)
    return dictionary.size > 0 && serializeDictionary(dictionary) === field ? dictionary : undefined
  } catch {
    // The field is the sender's: whatever it makes fail, it is the field that is bad.
    return undefined
  }
}

export const isInnerList = (member: Member): member is InnerList => Array.isArray(member[0])

/** The bytes of a member that is a byte sequence without parameters. */
export function bytesOf(member: Member | undefined): Buffer | undefined {
  if (!member || isInnerList(member) || member[1].size > 0) return undefined
  const [value] = member
  // Not `instanceof`: in tests the parser's ArrayBuffer is another realm's.
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]'
    ? Buffer.from(value as ArrayBuffer)
    : undefined
}

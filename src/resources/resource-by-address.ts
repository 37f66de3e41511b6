/**
 * Which resource an address belongs to: the registered identifier that it lies under, the longest of several. For proxies
 * that ask about many APIs in the same words; one that knows its API says which it is.
 */
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'

export interface ResourcesByAddress {
  /**
   * @param url absolute, as it was asked for
   * @returns the identifier; undefined also when `url` can be read in more than one way
   */
  find(url: string): Promise<string | undefined>
  close(): void
}

interface Place {
  readonly identifier: string
  readonly origin: string
  /** Decoded. */
  readonly segments: readonly string[]
}

export function createResourcesByAddress({
  db,
  changeLog,
}: {
  db: Db
  changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
}): ResourcesByAddress {
  let known: Promise<readonly Place[]> | undefined
  const forget = () => {
    known = undefined
  }
  const close = changeLog.subscribe('resource', forget)

  async function places(): Promise<readonly Place[]> {
    if (!changeLog.isFresh()) return readPlaces(db)
    known ??= readPlaces(db)
    const reading = known
    try {
      return await reading
    } catch (error) {
      if (known === reading) forget()
      throw error
    }
  }

  return {
    async find(url) {
      const asked = placeOf(url)
      if (!asked) return undefined
      return (await places()).find(place => isUnder(asked, place))?.identifier
    },
    close,
  }
}

/** The longest first. */
async function readPlaces(db: Db): Promise<readonly Place[]> {
  const rows = await db.selectFrom('resource').select('identifier').orderBy('identifier').execute()
  return rows
    .flatMap(({ identifier }) => {
      const place = identifier.includes('?') ? undefined : placeOf(identifier)
      return place ? [{ ...place, identifier }] : []
    })
    .sort((one, other) => other.segments.length - one.segments.length)
}

const isUnder = (asked: Omit<Place, 'identifier'>, { origin, segments }: Place) =>
  asked.origin === origin && segments.every((segment, index) => asked.segments[index] === segment)

/**
 * Undefined where two readers could see two places: with dot segments, empty ones, encoded or turned slashes, parameters
 * of a segment.
 */
function placeOf(url: string): Omit<Place, 'identifier'> | undefined {
  const [, address = '', path = ''] = /^(https?:\/\/[^/?#]+)([^?#]*)/i.exec(url) ?? []
  const origin = URL.parse(address)?.origin
  if (origin === undefined) return undefined
  const decoded = decode(path)
  if (decoded === undefined || /%2f|%5c/i.test(path) || /[\\;]|\/\/|\/\.\.?(?:\/|$)/.test(decoded))
    return undefined
  return { origin, segments: decoded.split('/').filter(segment => segment !== '') }
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

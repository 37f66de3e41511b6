/** Times in bodies: RFC 3339, with an offset; answers are in UTC. */
import { z } from 'zod'

/** What Postgres and JavaScript both hold, and no typo: the years 1970 to 9999. */
export const timeIn = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2027-01-31T12:00:00Z', abort: true })
  .refine(text => Date.parse(text) >= 0, { error: 'must be after 1970' })
  .transform(text => new Date(text))

export const timeOut = z.iso.datetime()

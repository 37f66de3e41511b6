/**
 * Gives every JWT access token an index of its own in a status list, from blocks that this node has leased. For tokens of
 * client credentials a block is one client's: the block is all that is recorded of them, and with a warm lease nothing is
 * asked of the database. For tokens of grants there is one block; who takes from it records the index where the token
 * comes from. What a node that dies has not given away is lost: there are enough.
 */
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import type { Logger } from '../log.ts'
import { REVOCATION_CHANGE } from '../revocation/revocation.ts'
import { BLOCK_USABLE, leaseStatusBlocks, type WantedBlock } from './lease-status-blocks.ts'
import { type StatusReference, statusListUri } from './status-reference.ts'

export interface WantedIndex {
  readonly clientId: string
  /** The token comes from a grant: the caller records the index. */
  readonly grantBound: boolean
  /** Seconds that the token will live. */
  readonly lifetime: number
}

export interface TakenIndex extends StatusReference {
  /** Of the list. */
  readonly uri: string
  /** Seconds: no token with this index may live longer. */
  readonly lifetime: number
}

/**
 * Takes an index that nobody else gets, at once while there is a lease.
 * @throws when the database must be asked and cannot be.
 */
export type TakeIndex = (wanted: WantedIndex) => TakenIndex | Promise<TakenIndex>

interface Block {
  readonly listId: number
  readonly uri: string
  readonly size: number
  readonly lifetime: number
  readonly end: number
  next: number
  /** On the monotonic clock, in milliseconds. */
  readonly until: number
}

/** The blocks of one client, or of all grants. */
interface Lane {
  block?: Block | undefined
  /** Leased before the other one is empty. */
  ahead?: Block | undefined
  leasing?: Promise<void> | undefined
  size: number
  lifetime: number
}

interface Waiting {
  readonly wanted: WantedBlock
  readonly resolve: (block: Block) => void
  readonly reject: (error: unknown) => void
}

const FIRST_SIZE = 64
const LARGEST_SIZE = 4_096
/** Clients with a lease in memory. One that is pushed out leases again. */
const MOST_CLIENTS = 100_000
/** Blocks of one statement. */
const MOST_AT_ONCE = 64
/** Seconds. Blocks are for at least this, so that a small change of a lifetime costs nothing. */
const LEAST_LIFETIME = 3_600

export interface StatusIndexesDeps {
  readonly db: Db
  readonly issuer: string
  readonly log: Logger
  /** Tells when a client's blocks were revoked: it gets no more tokens from these. */
  readonly changeLog?: Pick<ChangeLog, 'subscribe'>
  /** Monotonic milliseconds. */
  readonly clock?: () => number
}

export function createStatusIndexes({
  db,
  issuer,
  log,
  changeLog,
  clock = () => performance.now(),
}: StatusIndexesDeps): TakeIndex {
  const newLane = (): Lane => ({ size: FIRST_SIZE, lifetime: LEAST_LIFETIME })
  const ofGrants = newLane()
  const ofClients = new Map<string, Lane>() // in order of last use
  const queue: Waiting[] = []
  let flushing = false

  changeLog?.subscribe(REVOCATION_CHANGE, ({ payload }) => {
    if (payload.kind === 'issuance') ofClients.delete(String(payload.id))
  })

  function laneOf({ clientId, grantBound }: WantedIndex): Lane {
    if (grantBound) return ofGrants
    const lane = ofClients.get(clientId) ?? newLane()
    ofClients.delete(clientId)
    ofClients.set(clientId, lane)
    const [oldest] = ofClients.size > MOST_CLIENTS ? ofClients.keys() : []
    if (oldest !== undefined) ofClients.delete(oldest)
    return lane
  }

  const has = (block: Block | undefined, lifetime: number): block is Block =>
    block !== undefined && block.next < block.end && block.lifetime >= lifetime && clock() < block.until

  const runsOut = ({ next, end, size, until }: Block) =>
    end - next <= size / 2 || until - clock() < BLOCK_USABLE * 250

  /** One statement at a time; those that come meanwhile share the next. */
  async function flush(): Promise<void> {
    if (flushing) return
    flushing = true
    try {
      while (queue.length > 0) await leaseTogether(queue.splice(0, MOST_AT_ONCE))
    } finally {
      flushing = false
    }
  }

  async function leaseTogether(waiting: readonly Waiting[]): Promise<void> {
    const until = clock() + BLOCK_USABLE * 1_000
    try {
      const leased = await leaseStatusBlocks(
        db,
        waiting.map(({ wanted }) => wanted),
      )
      for (const [at, { wanted, resolve, reject }] of waiting.entries()) {
        const { size, lifetime } = wanted
        const one = leased[at]
        if (!one) {
          reject(new Error('A block was not leased.'))
          continue
        }
        const { listId, first } = one
        resolve({
          listId,
          uri: statusListUri(issuer, listId),
          size,
          lifetime,
          next: first,
          end: first + size,
          until,
        })
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  /** A lane leases once at a time. It gets twice as much as before when that was used up. */
  function lease(lane: Lane, clientId: string | null): Promise<void> {
    if (lane.leasing) return lane.leasing
    const { block } = lane
    if (block) {
      const wasUsed = block.end - block.next <= block.size / 2
      lane.size = wasUsed ? Math.min(block.size * 2, LARGEST_SIZE) : Math.max(block.size / 2, FIRST_SIZE)
    }
    const { size, lifetime } = lane
    const leased = new Promise<Block>((resolve, reject) => {
      queue.push({ wanted: { clientId, size, lifetime }, resolve, reject })
    })
    lane.leasing = leased
      .then(next => {
        lane.ahead = next
      })
      .finally(() => {
        lane.leasing = undefined
      })
    void flush()
    return lane.leasing
  }

  function takeAtOnce(lane: Lane, wanted: WantedIndex): TakenIndex | undefined {
    if (!has(lane.block, wanted.lifetime)) {
      if (!has(lane.ahead, wanted.lifetime)) return undefined
      lane.block = lane.ahead
      lane.ahead = undefined
    }
    const { block } = lane
    if (lane.ahead === undefined && !lane.leasing && runsOut(block))
      lease(lane, ownerOf(wanted)).catch(error =>
        log.debug({ err: error }, 'no status indexes could be leased ahead; trying again'),
      )
    const { listId, uri, lifetime } = block
    const idx = block.next
    block.next += 1
    return { listId, idx, uri, lifetime }
  }

  async function takeLeased(lane: Lane, wanted: WantedIndex): Promise<TakenIndex> {
    for (;;) {
      await lease(lane, ownerOf(wanted))
      const taken = takeAtOnce(lane, wanted)
      if (taken) return taken
    }
  }

  return wanted => {
    const lane = laneOf(wanted)
    lane.lifetime = Math.max(lane.lifetime, wanted.lifetime)
    return takeAtOnce(lane, wanted) ?? takeLeased(lane, wanted)
  }
}

const ownerOf = ({ clientId, grantBound }: WantedIndex) => (grantBound ? null : clientId)

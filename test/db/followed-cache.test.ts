import { describe, expect, it } from '@jest/globals'
import type { Change } from '../../src/db/change-log.ts'
import { createFollowedCache } from '../../src/db/followed-cache.ts'

/** A change log that the test moves, and a table whose answers the test lets go. */
function setup(options: { maxEntries?: number; maxBytes?: number; alsoDroppedBy?: string[] } = {}) {
  const subscribers = new Set<{ type: string; onChange: (change: Change) => void }>()
  let fresh = true
  const table = new Map<string, string>()
  const waiting: { id: string; answer: () => void }[] = []
  let queries = 0
  let held = false
  const cache = createFollowedCache<{ value: string }>({
    ...options,
    changeLog: {
      subscribe(type, onChange) {
        const subscriber = { type, onChange }
        subscribers.add(subscriber)
        return () => subscribers.delete(subscriber)
      },
      isFresh: () => fresh,
    },
    type: 'thing',
    idOf: payload => payload.id,
    load: id => {
      queries++
      const seen = table.get(id) // what the query's snapshot has
      const result = seen === undefined ? undefined : { value: seen }
      if (!held) return Promise.resolve(result)
      return new Promise(resolve => waiting.push({ id, answer: () => resolve(result) }))
    },
  })
  return {
    cache,
    table,
    hold: () => {
      held = true
    },
    answerAll: () => {
      for (const { answer } of waiting.splice(0)) answer()
    },
    change: (payload: Record<string, unknown>, type = 'thing') => {
      for (const one of subscribers) if (one.type === type) one.onChange({ id: '1', type, payload })
    },
    setFresh: (value: boolean) => {
      fresh = value
    },
    queries: () => queries,
    subscribers,
  }
}

describe('a cache that follows the change log', () => {
  it('asks once and remembers', async () => {
    const { cache, table, queries } = setup()
    table.set('a', '1')
    expect(await cache.find('a')).toEqual({ value: '1' })
    expect(await cache.find('a')).toEqual({ value: '1' })
    expect(queries()).toBe(1)
  })

  it('shares one query between misses of the same id', async () => {
    const { cache, table, hold, answerAll, queries } = setup()
    table.set('a', '1')
    hold()
    const found = Promise.all(Array.from({ length: 20 }, () => cache.find('a')))
    answerAll()
    expect(await found).toHaveLength(20)
    expect(queries()).toBe(1)
  })

  it('asks again after a change', async () => {
    const { cache, table, change } = setup()
    table.set('a', '1')
    await cache.find('a')
    table.set('a', '2')
    change({ id: 'a' })
    expect(await cache.find('a')).toEqual({ value: '2' })
  })

  it('never keeps a fill that began before a change', async () => {
    const { cache, table, hold, answerAll, change, queries } = setup()
    table.set('a', 'old')
    hold()
    const early = cache.find('a')
    table.set('a', 'new')
    change({ id: 'a' })
    const late = cache.find('a') // does not share the query of before
    answerAll()
    expect(await early).toEqual({ value: 'old' })
    expect(await late).toEqual({ value: 'new' })
    expect(await cache.find('a')).toEqual({ value: 'new' })
    expect(queries()).toBe(2)
  })

  it('never keeps a slow fill over a newer one', async () => {
    const { cache, table, hold, answerAll, change } = setup()
    table.set('a', 'old')
    hold()
    const early = cache.find('a')
    change({ id: 'a' })
    answerAll()
    await early
    table.set('a', 'new')
    const found = cache.find('a')
    answerAll()
    expect(await found).toEqual({ value: 'new' })
  })

  it('drops everything for a change that names nothing', async () => {
    const { cache, table, change, queries } = setup()
    table.set('a', '1').set('b', '1')
    await cache.find('a')
    await cache.find('b')
    change({})
    await cache.find('a')
    await cache.find('b')
    expect(queries()).toBe(4)
  })

  it('asks every time while the change log is not fresh', async () => {
    const { cache, table, setFresh, queries } = setup()
    table.set('a', '1')
    await cache.find('a')
    setFresh(false)
    table.set('a', '2')
    expect(await Promise.all([cache.find('a'), cache.find('a')])).toEqual([{ value: '2' }, { value: '2' }])
    expect(queries()).toBe(3)
  })

  it('does not remember what is not there, and asks for no id that cannot exist', async () => {
    const { cache, table, queries } = setup()
    expect(await cache.find('a')).toBeUndefined()
    table.set('a', '1')
    expect(await cache.find('a')).toEqual({ value: '1' })
    expect(queries()).toBe(2)
    for (const id of ['a\0', '\ud800', 'x'.repeat(5000)]) expect(await cache.find(id)).toBeUndefined()
    expect(queries()).toBe(2)
  })

  it('holds at most as many as it may, and lets the longest unused go', async () => {
    const { cache, table, queries } = setup({ maxEntries: 2 })
    table.set('a', '1').set('b', '1').set('c', '1')
    await cache.find('a')
    await cache.find('b')
    await cache.find('a')
    await cache.find('c')
    await cache.find('a')
    expect(queries()).toBe(3)
    await cache.find('b')
    expect(queries()).toBe(4)
  })

  it('holds at most as many bytes as it may', async () => {
    const { cache, table, queries } = setup({ maxBytes: 5000 })
    table.set('a', 'x'.repeat(1500)).set('b', 'x'.repeat(1500)).set('huge', 'x'.repeat(10_000))
    await cache.find('a')
    await cache.find('b')
    await cache.find('b')
    expect(queries()).toBe(2)
    await cache.find('a')
    expect(queries()).toBe(3)
    await cache.find('huge')
    await cache.find('huge')
    expect(queries()).toBe(5)
  })

  it('passes an error to everyone who waits and tries again', async () => {
    let fail = true
    const cache = createFollowedCache<string>({
      changeLog: { subscribe: () => () => undefined, isFresh: () => true },
      type: 'thing',
      idOf: payload => payload.id,
      load: async id => {
        if (fail) throw new Error('down')
        return id
      },
    })
    const results = await Promise.allSettled([cache.find('a'), cache.find('a')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    fail = false
    expect(await cache.find('a')).toBe('a')
  })

  it('ends its subscription', () => {
    const { cache, subscribers } = setup()
    expect(subscribers.size).toBe(1)
    cache.close()
    expect(subscribers.size).toBe(0)
  })

  it('takes what another statement has read, unless something has changed meanwhile', async () => {
    const { cache, change, queries, setFresh } = setup()
    cache.begin()('a', { value: '1' })
    expect(await cache.find('a')).toEqual({ value: '1' })
    const late = cache.begin()
    change({ id: 'b' })
    late('b', { value: 'old' })
    expect(await cache.find('b')).toBeUndefined()
    change({})
    const stale = cache.begin()
    setFresh(false)
    stale('a', { value: 'old' })
    setFresh(true)
    expect(await cache.find('a')).toBeUndefined()
    expect(queries()).toBe(2)
  })

  it('is emptied by the other types of change that it names', async () => {
    const { cache, change } = setup({ alsoDroppedBy: ['other'] })
    cache.begin()('a', { value: '1' })
    change({ id: 'unrelated' }, 'other')
    expect(await cache.find('a')).toBeUndefined()
  })
})

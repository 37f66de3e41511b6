import { afterEach, expect, test } from '@jest/globals'
import pg from 'pg'
import { createTemplate, type TestDatabase, testDatabase } from './postgres.ts'

const databases: TestDatabase[] = []

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop()
})

async function fresh(options: { template?: string } = {}): Promise<string> {
  const database = await testDatabase(options)
  databases.push(database)
  return database.url
}

async function run(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

test('every caller has a database of its own', async () => {
  const [first, second] = await Promise.all([fresh(), fresh()])
  await run(first, 'create table mine as select 1 as n')
  expect(await run(first, 'select n from mine')).toEqual([1])
  expect(await run(second, `select to_regclass('mine')`)).toEqual([null])
})

test('a template is made once, and every copy has what is in it', async () => {
  let made = 0
  const prepare = async (url: string) => {
    made++
    await run(url, 'create table shared as select 42 as answer')
  }
  await Promise.all([1, 2, 3].map(() => createTemplate('made-once', prepare)))
  expect(made).toBe(1)
  const copies = await Promise.all([1, 2, 3].map(() => fresh({ template: 'made-once' })))
  for (const copy of copies) expect(await run(copy, 'select answer from shared')).toEqual([42])
})

test('a template whose making failed is made again', async () => {
  const fails = createTemplate('made-twice', async url => {
    await run(url, 'create table half as select 1 as n')
    throw new Error('interrupted')
  })
  await expect(fails).rejects.toThrow('interrupted')
  await createTemplate('made-twice', async url => {
    await run(url, 'create table whole as select 2 as n')
  })
  const copy = await fresh({ template: 'made-twice' })
  expect(await run(copy, `select to_regclass('half')`)).toEqual([null])
})

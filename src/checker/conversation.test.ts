import { describe, expect, it } from 'vitest'
import { scenarios } from '../scenarios'
import { memberHere } from '../testing/members'
import { shardOf } from './check'
import { Conversation, type Host } from './conversation'
import type { Reply } from './messages'

type Hire = NonNullable<Host['hire']>

/** A conversation whose clock goes on by so many milliseconds whenever it is looked at, and whose slices are run by hand. */
function talk(tick = 1, hire?: Hire) {
  const replies: Reply[] = []
  const waiting: (() => void)[] = []
  let time = 0
  const conversation = new Conversation({
    scenario: (name) => scenarios.find((each) => each.name === name),
    say: (reply) => replies.push(structuredClone(reply)),
    now() {
      time += tick
      return time
    },
    later: (go) => waiting.push(go),
    slice: 10,
    ...(hire === undefined ? {} : { hire }),
  })
  return {
    replies,
    say: (message: unknown) => conversation.hear(message),
    get time() {
      return time
    },
    /** Runs up to so many slices. */
    run(slices = Number.POSITIVE_INFINITY) {
      for (let i = 0; i < slices && waiting.length > 0; i++) waiting.shift()?.()
    },
    last: () => replies.at(-1),
    /** Runs slices, and lets helpers speak, until there is an answer. */
    async answered() {
      while (replies.at(-1)?.kind !== 'answer') {
        waiting.shift()?.()
        await new Promise(setImmediate)
      }
    },
  }
}

/** Helpers in this thread, and how many of them have come and gone. */
function office() {
  const now = { hired: 0, dismissed: 0 }
  const hire: Hire = ({ scenario: name, question, ...seat }) => {
    const scenario = scenarios.find((each) => each.name === name)
    const shard = scenario && shardOf(scenario, question, seat)
    if (shard === undefined || typeof shard === 'string') throw new Error(shard)
    now.hired += 1
    return {
      ...memberHere(shard),
      dismiss() {
        now.dismissed += 1
      },
    }
  }
  return { hire, now }
}

const ask = (scenario: string, more = {}) => ({ kind: 'ask', scenario, maxSeconds: 3600, ...more })

describe('a conversation with the checker', () => {
  it('answers, and then has the examples that it is asked for', () => {
    const { say, run, last } = talk()
    say(ask('gup-fast-vs-remove', { policies: { removalZap: 'leave' } }))
    run()
    expect(last()).toMatchObject({ kind: 'answer', answer: { verdict: 'broken' } })
    say({ kind: 'example', what: 'removeDoneMeansUnheld', most: 2 })
    const reply = last()
    if (reply?.kind !== 'example') throw new Error('no example')
    expect(reply.example?.schedules).toHaveLength(2)
    say({ kind: 'example', what: 'hang cpu0', most: 1 })
    expect(last()).toEqual({ kind: 'example', what: 'hang cpu0', example: undefined })
  })

  it('reports at most ten times a second, and once when the search is over', () => {
    const conversation = talk(7)
    conversation.say(ask('a-scrub-of-dax', { maxStates: 5000 }))
    conversation.run()
    const reports = conversation.replies.filter(({ kind }) => kind === 'progress')
    const over = reports.filter((reply) => reply.kind === 'progress' && reply.isOver)
    expect(over).toHaveLength(1)
    expect(reports.length - 1).toBeGreaterThan(0)
    expect(reports.length - 1).toBeLessThanOrEqual(conversation.time / 100)
  })

  it('hears a cancel between two slices, and answers about what it has seen', () => {
    const { say, run, last } = talk()
    say(ask('a-scrub-of-dax'))
    run(3)
    say({ kind: 'cancel' })
    run(2)
    expect(last()).toMatchObject({ kind: 'answer', answer: { verdict: 'limit', limit: 'cancel' } })
  })

  it('stops when its time is over', () => {
    const { say, run, last } = talk(50)
    say(ask('a-scrub-of-dax', { maxSeconds: 1 }))
    run()
    expect(last()).toMatchObject({ kind: 'answer', answer: { verdict: 'limit', limit: 'time' } })
  })

  it.each([
    ['gup-fast-vs-remove', { params: { cpus: 4 }, policies: { removalZap: 'leave' } }],
    ['force-unmap-pmem', { maxStates: 4000, everything: true }],
  ])('has the same answer with helpers, who come when it takes long: %s', async (name, more) => {
    const alone = talk(50)
    alone.say(ask(name, more))
    alone.run()
    const { hire, now } = office()
    const { say, answered, last, replies } = talk(50, hire)
    say(ask(name, { ...more, helpers: 3 }))
    await answered()
    expect(now).toEqual({ hired: 3, dismissed: 3 })
    const answerOf = (reply?: Reply) => reply?.kind === 'answer' && reply.answer
    expect(answerOf(last())).toEqual(answerOf(alone.last()))
    const helpers = replies.flatMap((reply) => (reply.kind === 'progress' ? reply.helpers : []))
    expect([helpers[0], helpers.at(-1)]).toEqual([0, 3])
  })

  it('asks nobody for help where there are few cores besides, or the search is short', async () => {
    for (const [tick, helpers] of [
      [50, 2],
      [1, 3],
    ] as const) {
      const { hire, now } = office()
      const { say, answered } = talk(tick, hire)
      say(ask('gup-fast-vs-remove', { params: { cpus: 3 }, helpers }))
      await answered()
      expect(now.hired).toBe(0)
    }
  })

  it('goes on alone where a helper breaks down', async () => {
    const { hire, now } = office()
    const { say, answered, last } = talk(50, (assignment) => ({
      ...hire(assignment),
      expand: () => Promise.reject(new Error('out of memory')),
    }))
    say(ask('gup-fast-vs-remove', { params: { cpus: 4 }, helpers: 3 }))
    await answered()
    expect(now).toEqual({ hired: 3, dismissed: 3 })
    expect(last()).toMatchObject({ answer: { verdict: 'holds', states: 8979 } })
  })

  it.each([
    ['cancel', { kind: 'cancel' }],
    ['the next question', ask('gup-fast-vs-remove')],
  ])('dismisses its helpers at %s, though one of them says nothing', async (_, next) => {
    const { hire, now } = office()
    const { say, run, answered, last } = talk(50, (assignment) => ({
      ...hire(assignment),
      expand: () => new Promise(() => {}),
    }))
    say(ask('force-unmap-pmem', { helpers: 3 }))
    for (let slice = 0; slice < 100 && now.hired < 3; slice++) {
      run(1)
      await new Promise(setImmediate)
    }
    say(next)
    await answered()
    expect(last()).toMatchObject({ kind: 'answer' })
    expect(now).toEqual({ hired: 3, dismissed: 3 })
  })

  it('forgets a question when the next one comes', () => {
    const { say, run, replies } = talk()
    say(ask('a-scrub-of-dax'))
    run(2)
    say(ask('gup-fast-vs-remove'))
    run()
    const answers = replies.filter(({ kind }) => kind === 'answer')
    expect(answers).toMatchObject([{ answer: { verdict: 'holds', states: 171 } }])
  })

  it('has no example before it has an answer', () => {
    const { say, last } = talk()
    say(ask('a-scrub-of-dax'))
    say({ kind: 'example', what: 'livelock', most: 1 })
    expect(last()).toMatchObject({
      kind: 'refused',
      sentence: expect.stringContaining('no answer yet'),
    })
  })

  it.each([
    [undefined, 'does not understand the message'],
    ['cancel', 'does not understand the message'],
    [{ kind: 'quit' }, '"kind"'],
    [ask('no-such-thing'), 'There is no scenario "no-such-thing"'],
    [ask('two-minds', { scenario: 7 }), '"scenario"'],
    [ask('two-minds', { maxSeconds: 0 }), '"maxSeconds"'],
    [ask('two-minds', { helpers: -1 }), '"helpers"'],
    [ask('two-minds', { maxStates: 1e12 }), '"maxStates"'],
    [ask('two-minds', { maxBytes: Number.NaN }), '"maxBytes"'],
    [ask('two-minds', { properties: [] }), '"properties"'],
    [ask('two-minds', { properties: ['x'] }), 'has no property "x"'],
    [ask('two-minds', { preset: 'v0.1' }), 'There is no kernel preset "v0.1"'],
    [ask('two-minds', { policies: { removalZap: 'maybe' } }), 'has no value "maybe"'],
    [ask('two-minds', { params: { cpus: 1 } }), 'has no parameter "cpus"'],
    [
      ask('two-minds', { from: { choices: [{ kind: 'jump' }], moment: 0 } }),
      '"from.choices.0.kind"',
    ],
    [ask('two-minds', { from: { choices: Array(6000).fill({}), moment: 0 } }), '"from.choices'],
    [
      ask('two-minds', {
        from: { choices: [{ kind: 'step', task: 99, choice: 0 }], moment: 1 },
      }),
      'There is no task 99',
    ],
    [{ kind: 'example', what: 'livelock', most: 1e9 }, '"most"'],
  ])('answers %j with a sentence, and does nothing', (message, sentence) => {
    const { say, run, replies } = talk()
    say(message)
    run()
    expect(replies).toHaveLength(1)
    expect(replies[0]).toMatchObject({
      kind: 'refused',
      sentence: expect.stringContaining(sentence),
    })
  })
})

import { describe, expect, it } from 'vitest'
import { scenarios } from '../scenarios'
import { Conversation } from './conversation'
import type { Reply } from './messages'

/** A conversation whose clock goes on by so many milliseconds whenever it is looked at, and whose slices are run by hand. */
function talk(tick = 1) {
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
  }
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

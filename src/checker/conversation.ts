import { policies } from '../linux/policies'
import { judgePolicies } from '../machine'
import type { Scenario } from '../scenarios/scenario'
import { Check } from './check'
import { type Ask, type Progress, type Reply, type Request, readRequest } from './messages'
import type { Assignment } from './orders'
import type { Member } from './pool'
import { MAX_SHARDS } from './shard'

/** Where a checker runs: a worker, or a page between its pictures. It has the clock and the timers. */
export interface Host {
  /** The scenario of a name, if there is one. */
  scenario(name: string): Scenario | undefined
  say(reply: Reply): void
  /** Milliseconds since some moment. */
  now(): number
  /** Calls back when messages that have come meanwhile were heard. */
  later(go: () => void): void
  /** How long a slice of the search may last, in milliseconds. */
  readonly slice: number
  /** Starts a worker that is a shard of a search, where there can be one. */
  hire?(assignment: Assignment): Helper
}

/** A shard in a worker, which is there until it is dismissed. */
export interface Helper extends Member {
  dismiss(): void
}

/** Least time between two reports of progress, in milliseconds. */
const REPORT_MS = 100

/** Seconds that a search takes alone before others are asked to help. */
const ALONE = 1

/** Fewer than these would not make up for what it takes to tell them everything. */
const LEAST_HELPERS = 3

/**
 * A checker that is talked to: it is asked, reports, answers, and then has examples. Whatever it is
 * told, it answers; what cannot be is answered by one sentence.
 */
export class Conversation {
  private check: Check | undefined
  private isAnswered = false
  /** How many help with the search. */
  private helping = 0
  private began = 0
  private reported = 0

  constructor(private readonly host: Host) {}

  hear(message: unknown): void {
    const request = readRequest(message)
    if (typeof request === 'string') this.refuse(request)
    else this.guarded(() => this.heed(request))
  }

  private heed(request: Request): void {
    switch (request.kind) {
      case 'ask':
        this.begin(request)
        break
      case 'cancel':
        this.check?.stop('cancel')
        break
      case 'example':
        this.show(request.what, request.most)
        break
      default:
        request satisfies never
    }
  }

  private begin(ask: Ask): void {
    const check = this.checkOf(ask)
    if (typeof check === 'string') {
      this.refuse(check)
      return
    }
    this.check?.stop('cancel')
    this.check = check
    this.isAnswered = false
    this.helping = 0
    this.began = this.host.now()
    this.reported = this.began
    this.goOn(check, ask)
  }

  private checkOf({ kind, scenario: name, maxSeconds, helpers, ...question }: Ask): Check | string {
    const scenario = this.host.scenario(name)
    if (scenario === undefined) return `There is no scenario "${name}" to check.`
    return judgePolicies(policies, question.policies ?? {}) ?? Check.of(scenario, question)
  }

  /** One slice after the other, with an ear for messages between them. */
  private goOn(check: Check, ask: Ask): void {
    this.later(check, () => {
      const until = this.host.now() + this.host.slice
      const isUnfinished = check.advance(() => this.host.now() >= until)
      if (!isUnfinished) {
        this.conclude(check)
        return
      }
      const { seconds } = this.watch(check, ask)
      const size = Math.min(ask.helpers ?? 0, MAX_SHARDS)
      const isToBeShared = seconds >= ALONE && size >= LEAST_HELPERS && check.canBeShared
      const { hire } = this.host
      if (isToBeShared && hire !== undefined) this.share(check, ask, size, hire)
      else this.goOn(check, ask)
    })
  }

  /** Begins once more, with helpers, and goes on to the end; without them where one breaks down. */
  private async share(
    check: Check,
    ask: Ask,
    size: number,
    hire: NonNullable<Host['hire']>,
  ): Promise<void> {
    const { host } = this
    const { kind, scenario, maxSeconds, helpers: _, ...question } = ask
    const helpers: Helper[] = []
    let until = 0
    const pause = async () => {
      await new Promise<void>((resolve) => host.later(resolve))
      if (this.check === check) this.watch(check, ask)
      until = host.now() + host.slice
    }
    try {
      const threads = check.threadsToSplitBy(size)
      for (let self = 0; self < size; self++)
        helpers.push(hire({ kind: 'assignment', scenario, question, self, shards: size, threads }))
      this.helping = size
      await check.share(helpers, { isOver: () => host.now() >= until, pause })
      if (this.check === check) this.conclude(check)
    } catch {
      this.helping = 0
      check.beginAgain()
      this.goOn(check, { ...ask, helpers: 0 })
    } finally {
      for (const helper of helpers) helper.dismiss()
    }
  }

  /** Stops a search whose time is over, and reports about it. */
  private watch(check: Check, { maxSeconds }: Ask): Progress {
    const progress = this.progressOf(check)
    if (progress.seconds >= maxSeconds) check.stop('time')
    if (this.host.now() - this.reported >= REPORT_MS) this.report(progress, false)
    return progress
  }

  /** Hangs and livelocks are found in one go, which may take a moment: that is said first. */
  private conclude(check: Check): void {
    const progress = this.progressOf(check)
    this.report(progress, true)
    this.later(check, () => {
      const answer = check.answer()
      this.isAnswered = true
      this.host.say({ kind: 'answer', answer, progress })
    })
  }

  private later(check: Check, go: () => void): void {
    this.host.later(() => {
      if (this.check === check) this.guarded(go)
    })
  }

  private show(what: string, most: number): void {
    const { check, isAnswered } = this
    if (check === undefined || !isAnswered)
      this.refuse('The checker has no answer yet to give an example of.')
    else this.host.say({ kind: 'example', what, example: check.example(what, most) })
  }

  private report(progress: Progress, isOver: boolean): void {
    this.reported = this.host.now()
    this.host.say({ kind: 'progress', isOver, ...progress })
  }

  private progressOf(check: Check): Progress {
    const seconds = (this.host.now() - this.began) / 1000
    return { ...check.progress, seconds, helpers: this.helping }
  }

  private refuse(sentence: string): void {
    this.host.say({ kind: 'refused', sentence })
  }

  /** A search that cannot go on, for want of memory for one, says so; its host goes on. */
  private guarded(go: () => void): void {
    try {
      go()
    } catch (error) {
      this.check = undefined
      this.refuse(
        `The search ended with an error: ${error instanceof Error ? error.message : error}.`,
      )
    }
  }
}

import { policies } from '../linux/policies'
import { judgePolicies } from '../machine'
import type { Scenario } from '../scenarios/scenario'
import { Check } from './check'
import { type Ask, type Progress, type Reply, type Request, readRequest } from './messages'

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
}

/** Least time between two reports of progress, in milliseconds. */
const REPORT_MS = 100

/**
 * A checker that is talked to: it is asked, reports, answers, and then has examples. Whatever it is
 * told, it answers; what cannot be is answered by one sentence.
 */
export class Conversation {
  private check: Check | undefined
  private isAnswered = false
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
    this.check = check
    this.isAnswered = false
    this.began = this.host.now()
    this.reported = this.began
    this.goOn(check, ask.maxSeconds)
  }

  private checkOf({ kind, scenario: name, maxSeconds, ...question }: Ask): Check | string {
    const scenario = this.host.scenario(name)
    if (scenario === undefined) return `There is no scenario "${name}" to check.`
    return judgePolicies(policies, question.policies ?? {}) ?? Check.of(scenario, question)
  }

  /** One slice after the other, with an ear for messages between them. */
  private goOn(check: Check, maxSeconds: number): void {
    this.later(check, () => {
      const until = this.host.now() + this.host.slice
      const isUnfinished = check.advance(() => this.host.now() >= until)
      const progress = this.progressOf(check)
      if (!isUnfinished) {
        this.conclude(check, progress)
        return
      }
      if (progress.seconds >= maxSeconds) check.stop('time')
      if (this.host.now() - this.reported >= REPORT_MS) this.report(progress, false)
      this.goOn(check, maxSeconds)
    })
  }

  /** Hangs and livelocks are found in one go, which may take a moment: that is said first. */
  private conclude(check: Check, progress: Progress): void {
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
    return { ...check.progress, seconds: (this.host.now() - this.began) / 1000 }
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
